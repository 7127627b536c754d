from typing import Any

import pytest

from recommender.models import Webhook
from recommender.webhooks import outbox, registry
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

PATH = "/v1/webhooks/backend"
ASKED = {"url": "https://shop.example/in", "kinds": ["feed.failed", "budget.reached"]}
SECRET = "whsec_S2luc2hpcCBrZWVwcyB0aGlzIGFzIGFuIGV4YW1wbGU="


def test_a_webhook_is_made_with_a_secret_that_is_told_once(shop: Shop, api: Api) -> None:
    made = api.put(PATH, ASKED)
    assert made.status_code == 201
    told = made.json()
    assert (told["name"], told["state"], told["is_active"]) == ("backend", "active", True)
    assert told["secret"] == Webhook.objects.get().secret
    assert told["secret"].startswith("whsec_")

    again = api.put(PATH, {**ASKED, "kinds": ["feed.failed"] * 2})
    assert again.status_code == 200
    assert again.json()["secret"] is None
    assert again.json()["kinds"] == ["feed.failed"]
    assert Webhook.objects.get().secret == told["secret"]
    (listed,) = api.get("/v1/webhooks").json()["items"]
    assert listed == {name: again.json()[name] for name in listed}
    assert "secret" not in listed


def test_a_secret_of_ones_own_is_taken_and_not_told(shop: Shop, api: Api) -> None:
    assert api.put(PATH, {**ASKED, "secret": SECRET}).json()["secret"] is None
    assert Webhook.objects.get().secret == SECRET


@pytest.mark.parametrize(
    ("changed", "kind", "says"),
    [
        ({"url": "ftp://shop.example/in"}, "invalid-webhook", "http or https"),
        ({"url": "https://me:secret@shop.example/"}, "invalid-webhook", "without a user"),
        ({"url": "https://shop.example/ x"}, "invalid-webhook", "http or https"),
        ({"secret": "hush"}, "invalid-webhook", "24 to 64 bytes in base64"),
        ({"secret": "whsec_c2hvcnQ="}, "invalid-webhook", "24 to 64 bytes in base64"),
        ({"kinds": []}, "invalid", "at least 1 item"),
        ({"kinds": ["product.sold"]}, "invalid", "body.kinds.0"),
        ({"colour": "red"}, "invalid", "colour"),
    ],
)
def test_what_is_not_right_is_refused(
    shop: Shop, api: Api, changed: dict[str, Any], kind: str, says: str
) -> None:
    assert says in problem(api.put(PATH, ASKED | changed), 400, kind)["detail"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("name", ["Backend", "a b", "é", "a" * 64])
def test_a_name_that_is_none_is_refused(shop: Shop, api: Api, name: str) -> None:
    assert problem(api.put(f"/v1/webhooks/{name}", ASKED), 400, "invalid-webhook")


def test_a_catalog_has_so_many_webhooks(shop: Shop, api: Api) -> None:
    for number in range(registry.MOST):
        assert api.put(f"{PATH}-{number}", ASKED).status_code == 201
    problem(api.put(PATH, ASKED), 409, "too-many-webhooks")
    assert api.put(f"{PATH}-0", ASKED).status_code == 200


def test_a_test_is_sent_and_deliveries_tell_what_came_of_it(shop: Shop, api: Api) -> None:
    api.put(PATH, ASKED)
    asked = api.post(f"{PATH}/test", {})
    assert asked.status_code == 202
    outbox.tell(shop.catalog.pk, Webhook.Kind.FEED, {"error": "Gone."})

    failed, test = api.get(f"{PATH}/deliveries").json()["items"]
    assert test == asked.json()
    assert (test["type"], test["status"], test["attempts"]) == ("webhook.test", "waiting", 0)
    assert failed["type"] == "feed.failed"
    assert api.get(f"{PATH}/deliveries?limit=1").json()["items"] == [failed]
    assert api.get(f"{PATH}/deliveries?status=delivered").json()["items"] == []
    problem(api.get(f"{PATH}/deliveries?colour=red"), 400, "unknown-parameter")
    problem(api.get(f"{PATH}/deliveries?limit=0"), 400, "invalid")


def test_putting_a_webhook_that_was_stopped_starts_it_again(shop: Shop, api: Api) -> None:
    api.put(PATH, ASKED)
    Webhook.objects.update(stopped_at="2026-01-01T00:00:00Z", stop_reason="Gone.", given_up=5)
    assert api.get("/v1/webhooks").json()["items"][0]["state"] == "stopped"
    assert api.put(PATH, ASKED).json()["state"] == "active"


def test_a_webhook_is_deleted_with_what_it_was_told(shop: Shop, api: Api) -> None:
    api.put(PATH, ASKED)
    api.post(f"{PATH}/test", {})
    assert api.delete(PATH).status_code == 204
    for answer in (api.delete(PATH), api.post(f"{PATH}/test", {}), api.get(f"{PATH}/deliveries")):
        problem(answer, 404, "unknown-webhook")
