"""What a browser key may with a user token, and what it may not without."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from recommender.api import user_tokens
from recommender.catalog import attributes, catalogs, keys
from recommender.models import ApiKey, Event
from tests.recommender.api.client import Api, items, problem
from tests.recommender.api.test_recommendations import answer
from tests.shop import Shop
from tests.statements import fewest

FOR_ANN = "/v1/users/ann/recommendations"
FOR_GUEST = "/v1/users/guest-1/recommendations"
VIEW = {"type": "view", "user": "guest-1", "product": "mug-red"}
PURCHASE = {"type": "purchase", "user": "ann", "product": "mug-red"}


@pytest.fixture
def secret(shop: Shop) -> str:
    """What the shop's server signs with."""
    return catalogs.create_key(shop.catalog, ApiKey.Scope.TOKEN)


@pytest.fixture
def bought(stocked: Shop, api: Api) -> Shop:
    """Ann bought a mug and viewed a lamp, as the shop's server says."""
    seen = {**PURCHASE, "type": "view", "product": "lamp-red"}
    assert api.post("/v1/events", [PURCHASE, seen]).json()["accepted"] == 2
    return stocked


def signed(secret: str, user: str = "ann", seconds: float = 3600, **claims: Any) -> dict[str, str]:
    """The header with a token, as a shop's server makes it."""
    document = {"sub": user, "exp": int(time.time() + seconds), **claims}
    return {user_tokens.HEADER: jwt.encode(document, secret, "HS256")}


def forged(secret: str, head: bytes, body: bytes) -> dict[str, str]:
    """The header with a token of these two parts, rightly signed."""
    parts = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (head, body))
    signature = hmac.new(secret.encode(), parts, hashlib.sha256).digest()
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=")
    return {user_tokens.HEADER: f"{parts.decode()}.{encoded.decode()}"}


def reason(response: HttpResponse) -> str:
    """Why the only event of an array is rejected."""
    assert response.status_code == 202, response.content
    (result,) = response.json()["results"]
    assert result["status"] == "rejected"
    return str(result["reason"])


@pytest.mark.parametrize(
    "ask",
    [
        {"count": 24},
        {"filter": '{"id": "mug-red"}'},
        {"filter": '{"title": "Red mug"}', "exclude": "purchased"},
        {"exclude": "none", "explain": "true"},
        {"as_of": "2024-01-01T00:00:00Z"},
    ],
)
def test_without_a_token_no_answer_depends_on_what_a_known_user_did(bought, browser, ask):
    known = answer(browser.get(FOR_ANN, **ask))
    stranger = answer(browser.get("/v1/users/nobody/recommendations", **ask))
    assert known["fallback"] == "no_user_token"
    assert known["missing_ids"] == []
    for member in ("items", "complete", "reason", "spaces"):
        assert known[member] == stranger[member]
    assert all(item["why"]["because"] == [] for item in known["items"])


def test_with_a_token_the_user_gets_all_of_their_own_list(bought, browser, api, secret):
    given = signed(secret)
    response = browser.get(FOR_ANN, headers=given, count=9, explain="true")
    assert user_tokens.HEADER in response["Vary"]
    told = answer(response)
    own = answer(api.get(FOR_ANN, count=9, explain="true"))
    assert told["items"] == own["items"]
    assert told["items"][0]["why"]["because"]
    assert "mug-red" not in items(browser.get(FOR_ANN, headers=given, count=24))
    refused = problem(browser.get(FOR_GUEST, headers=given), 403, "other-user")
    assert "'guest-1'" in refused["detail"]


def test_the_docs_sign_what_is_accepted(bought, browser, secret):
    page = (Path(__file__).resolve().parents[3] / "docs/recommend.md").read_text()
    lines = page.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"user_id": "ann", "token_secret": secret}
    exec(lines, names)
    given = {user_tokens.HEADER: names["token"]}
    assert answer(browser.get(FOR_ANN, headers=given))["fallback"] is None


def test_a_server_key_needs_no_token_and_none_is_looked_at(bought, api):
    own = api.get(FOR_ANN, headers={user_tokens.HEADER: "nonsense"})
    assert answer(own)["items"][0]["why"]["because"]
    assert api.post("/v1/events", {**PURCHASE, "user": "bob"}).status_code == 202


def test_a_guest_gets_a_list_of_their_own_that_names_nothing_they_had(stocked, browser):
    assert browser.post("/v1/events", VIEW).json()["accepted"] == 1
    for ask in ({"explain": "true"}, {"explain": "true", "exclude": "none", "count": "24"}):
        body = answer(browser.get(FOR_GUEST, **ask))
        assert body["fallback"] is None
        assert "mug" in body["items"][0]["id"]
        for why in (item["why"] for item in body["items"]):
            assert (why["because"], why["interest"]) == ([], None)
            assert why["code"] in {"for_you", "fits_taste", "popular", "new"}
            assert "mug" not in why["text"].lower()
    similar = answer(browser.get("/v1/products/mug-red/similar", explain="true"))
    assert similar["items"][0]["why"]["because"] == ["mug-red"], "which the request named"


@pytest.mark.parametrize("way", ["event", "user", "token"])
def test_a_guest_whom_somebody_vouches_for_is_known_from_then_on(
    stocked, browser, api, secret, way
):
    browser.post("/v1/events", VIEW)
    ways = {
        "event": lambda: api.post("/v1/events", {**VIEW, "type": "purchase"}),
        "user": lambda: api.put("/v1/users/guest-1", {}),
        "token": lambda: browser.post("/v1/events", VIEW, signed(secret, "guest-1")),
    }
    assert ways[way]().status_code in (200, 202)
    assert answer(browser.get(FOR_GUEST))["fallback"] == "no_user_token"
    refused = problem(browser.post("/v1/events", VIEW), 403, "needs-user-token")
    assert refused["detail"].startswith("user is known to the shop's server. Send a token")
    assert answer(browser.get(FOR_GUEST, headers=signed(secret, "guest-1")))["fallback"] is None


def test_without_a_token_only_guests_do_only_what_a_page_sees(bought, browser):
    before = Event.objects.count()
    for type_ in ("purchase", "rating", "return"):
        event = {**VIEW, "type": type_, "value": 5}
        refused = problem(browser.post("/v1/events", event), 403, "needs-user-token")
        assert "view, click" in refused["detail"]
        assert user_tokens.HEADER in reason(browser.post("/v1/events", [event]))
    mixed = browser.post("/v1/events", [VIEW, {**VIEW, "user": "ann"}, PURCHASE]).json()
    assert [result["status"] for result in mixed["results"]] == ["accepted", "rejected", "rejected"]
    assert Event.objects.count() == before + 1


def test_with_a_token_a_browser_sends_all_that_its_user_does_and_nobody_else(
    bought, browser, secret
):
    given = signed(secret, " ann ")  # ids are read without blanks around them
    assert browser.post("/v1/events", PURCHASE, given).status_code == 202
    assert browser.post("/v1/events", {**PURCHASE, "user": "bob"}, given).status_code == 403
    assert "of the user token" in reason(browser.post("/v1/events", [VIEW], given))


def test_the_catalog_says_which_events_a_browser_sends(shelved, browser):
    catalogs.change_catalog(shelved.catalog, browser_event_types=["purchase"])
    assert browser.post("/v1/events", {**PURCHASE, "user": "guest-1"}).status_code == 202
    problem(browser.post("/v1/events", VIEW), 403, "needs-user-token")


def test_nobody_takes_the_id_of_an_event_that_the_server_is_yet_to_send(shelved, browser, api):
    assert browser.post("/v1/events", {**VIEW, "id": "order-1"}).json()["accepted"] == 1
    assert browser.post("/v1/events", {**VIEW, "id": "order-1"}).json()["duplicate"] == 1
    assert api.post("/v1/events", {**PURCHASE, "id": "order-1"}).json()["accepted"] == 1


def test_a_browser_key_reads_and_filters_by_public_attributes_only(stocked, browser, api):
    similar = "/v1/products/mug-red/similar"
    assert api.get(similar, fields="attributes").json()["items"][0]["fields"]["attributes"]
    for address in (similar, FOR_ANN):
        shown = browser.get(address, fields="title,price,attributes").json()["items"][0]["fields"]
        assert shown["title"]
        assert shown["attributes"] == {}
        for name in ("grams", "attributes.grams"):
            text = orjson.dumps({"not": {name: {"lt": 5}}}).decode()
            for refused in (
                problem(browser.get(address, fields=name), 400, "unknown-field"),
                problem(browser.get(address, filter=text), 400, "invalid-filter"),
            ):
                assert "--public-attributes" in refused["detail"]
                assert "colour" not in refused["detail"], "nor is it told which there are"
        assert (
            "--public" not in problem(browser.get(address, filter='{"price": {}}'), 400)["detail"]
        )

    catalogs.change_catalog(stocked.catalog, public_attributes=["colour", "never"])
    body = {"fields": ["attributes", "colour"], "filter": {"colour": "blue"}}
    (item,) = browser.post("/v1/products/mug-red/similar", {**body, "count": 1}).json()["items"]
    assert item["fields"] == {"attributes": {"colour": "blue"}, "colour": "blue"}
    attributes.declare(stocked.catalog, {"never": "number"})
    assert browser.get(similar, filter='{"never": {"gt": 1}}').json()["items"] == []


INVALID = {
    "expired": (lambda s: signed(s, seconds=-120), "expired"),
    "too long": (lambda s: signed(s, seconds=25 * 3600), "more than 24 hours ahead"),
    "for ever": (lambda s: signed(s, exp=10**30), "more than 24 hours ahead"),
    "no end": (lambda s: forged(s, b'{"alg":"HS256"}', b'{"sub":"ann"}'), '"exp"'),
    "no user": (lambda s: signed(s, user=""), "empty"),
    "dots": (lambda s: signed(s, user=".."), "is a dot or two"),
    "NUL": (lambda s: signed(s, user="a\x00"), "NUL character"),
    "user no text": (lambda s: forged(s, b'{"alg":"HS256"}', b'{"sub":1,"exp":2e9}'), "string"),
    "not yet": (lambda s: signed(s, nbf=int(time.time()) + 600), "not yet valid"),
    "unsigned": (lambda s: forged(s, b'{"alg":"none"}', b"{}"), "alg"),
    "other algorithm": (lambda s: forged(s, b'{"alg":"HS512"}', b"{}"), "alg"),
    "other secret": (lambda s: signed(s[::-1]), "secret of this catalog"),
    "deep": (lambda s: forged(s, b"[" * 2900, b"{}"), "recursion"),
    "long": (lambda _: {user_tokens.HEADER: "x" * 5000}, "more than 4,096 characters"),
    "no token": (lambda _: {user_tokens.HEADER: "nonsense"}, "Not enough segments"),
    "empty": (lambda _: {user_tokens.HEADER: ""}, "Not enough segments"),
    "no ASCII": (lambda _: {user_tokens.HEADER: "ü.ü.ü"}, "ASCII"),
}


@pytest.mark.parametrize("case", INVALID)
def test_a_token_that_is_not_valid_is_refused_and_says_why(bought, browser, secret, case):
    make, told = INVALID[case]
    for response in (
        browser.get(FOR_ANN, headers=make(secret)),
        browser.post("/v1/events", PURCHASE, make(secret)),
    ):
        assert told in problem(response, 401, "invalid-user-token")["detail"]


def test_secrets_overlap_until_the_old_one_is_revoked_and_are_of_one_catalog(
    bought, browser, secret, stranger
):
    new = catalogs.create_key(bought.catalog, ApiKey.Scope.TOKEN)
    for each in (secret, new):
        assert answer(browser.get(FOR_ANN, headers=signed(each)))["fallback"] is None

    keys.revoke(ApiKey.objects.get(prefix=secret[:12]))
    user_tokens._remembered.clear()  # as half a second does
    assert answer(browser.get(FOR_ANN, headers=signed(new)))["fallback"] is None
    problem(browser.get(FOR_ANN, headers=signed(secret)), 401, "invalid-user-token")

    elsewhere = Shop.open("third").catalog
    other = Api(catalogs.create_key(elsewhere, ApiKey.Scope.BROWSER))
    refused = problem(other.get(FOR_ANN, headers=signed(new)), 401, "invalid-user-token")
    assert "./kinship create_api_key third --scope token" in refused["detail"]
    problem(Api(new).get(FOR_ANN), 401, "unknown-key")


def test_a_token_costs_no_statement_once_the_secrets_are_remembered(bought, browser, api, secret):
    def statements(caller: Api, headers: dict[str, str] | None = None) -> int:
        return fewest(lambda: answer(caller.get(FOR_ANN, headers=headers, count=5)))

    assert statements(browser, signed(secret)) == statements(api)


def test_the_header_is_documented_where_it_counts(client):
    document = orjson.loads(client.get("/openapi.json").content)
    scheme = document["components"]["securitySchemes"]["UserToken"]
    assert (scheme["in"], scheme["name"]) == ("header", user_tokens.HEADER)
    telling = {
        (path, method)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation["security"] == [{"BearerKey": []}, {"BearerKey": [], "UserToken": []}]
    }
    assert telling == {
        ("/v1/users/{user_id}/recommendations", "get"),
        ("/v1/users/{user_id}/recommendations", "post"),
        ("/v1/users/{user_id}/rows", "get"),
        ("/v1/users/{user_id}/rows", "post"),
        ("/v1/users/{user_id}/segments", "get"),
        ("/v1/users/{user_id}/segments", "post"),
        ("/v1/events", "post"),
        ("/v1/recommendations", "post"),
        ("/v1/batch", "post"),
        ("/v1/explain", "get"),
        ("/v1/recommendations/{rec_id}/next", "post"),
        ("/v1/search", "get"),
        ("/v1/search", "post"),
        ("/v1/suggest", "get"),
    }


def test_pages_of_other_origins_may_send_a_token(settings):
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    response = Client().options(FOR_ANN, headers=asked)
    assert user_tokens.HEADER.lower() in response["Access-Control-Allow-Headers"]
