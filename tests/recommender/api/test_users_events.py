from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from recommender import database
from recommender.catalog import catalogs
from recommender.models import Event, EventKey, User
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop

EVENTS = "/v1/events"
VIEW = {"type": "view", "user": "u1", "product": "mug-red"}


@pytest.fixture(autouse=True)
def _mug(shop: Shop) -> None:
    shop.stock(**{"mug-red": "Red mug"})


STATUSES = ("accepted", "duplicate", "rejected", "not_stored")


def send(api: Api, body: Any) -> dict[str, Any]:
    response = api.post(EVENTS, body)
    assert response.status_code == 202, response.content
    answer = response.json()
    assert [answer[name] for name in STATUSES] == [
        sum(result["status"] == name for result in answer["results"]) for name in STATUSES
    ]
    return answer


def rejection(api: Api, event: Any) -> str:
    """Why an event is rejected."""
    (result,) = send(api, [event])["results"]
    assert result["status"] == "rejected"
    return result["reason"]


def test_an_event_counts_in_the_very_next_answer(stocked, api):
    address = "/v1/users/u1/recommendations"
    assert api.get(address).json()["fallback"]
    send(api, VIEW)
    answer = api.get(address, count=5)
    assert answer.json()["fallback"] is None
    assert set(items(answer)) == {f"mug-{c}" for c in ("black", "blue", "green", "white", "yellow")}
    assert answer.json()["items"][0]["why"]["because"] == ["mug-red"]
    send(api, {**VIEW, "product": "lamp-red"})
    assert "lamp-red" not in items(api.get(address, count=24))


def test_what_is_sent_is_stored(api):
    event = {
        **VIEW,
        "id": "e1",
        "type": "purchase",
        "at": "2025-06-01T14:00:00+02:00",
        "quantity": 2,
        "value": 39.9,
        "rec_id": "7fe494b1-362a-43de-bda6-98549926e436",
    }
    assert send(api, event)["results"] == [{"id": "e1", "status": "accepted"}]
    (stored,) = Event.objects.select_related("user", "product")
    assert (stored.user.external_id, stored.product.external_id) == ("u1", "mug-red")
    assert stored.at == datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert (stored.type, stored.quantity, stored.value) == ("purchase", 2, 39.9)
    assert str(stored.rec_id) == event["rec_id"]


def test_events_may_be_a_list_or_one_a_line(api):
    events = [{**VIEW, "id": str(n)} for n in range(3)]
    assert send(api, events)["accepted"] == 3
    lines = b"\n".join(orjson.dumps({**event, "user": "u2"}) for event in events[:1])
    lines += b"\n\n" + orjson.dumps({**VIEW, "id": "other"}) + b"\n{"
    answer = api.send("POST", EVENTS, lines, "application/x-ndjson").json()
    assert [result["status"] for result in answer["results"]] == [
        "duplicate",
        "accepted",
        "rejected",
    ]


@pytest.mark.parametrize("time", [{"at": "2025-06-01T12:00:00Z"}, {}])
def test_a_repeat_changes_nothing(api, time):
    event = {**VIEW, "id": "e1", **time}
    assert send(api, event)["results"] == [{"id": "e1", "status": "accepted"}]
    assert send(api, event)["results"] == [{"id": "e1", "status": "duplicate"}]
    assert send(api, [event, {**event, "id": "e2"}, {**event, "id": "e2"}])["accepted"] == 1
    assert Event.objects.count() == 2


def test_events_without_an_id_are_never_repeats(api):
    assert send(api, [VIEW, VIEW])["accepted"] == 2


def test_ids_may_be_numbers(shop, api):
    shop.put({"id": "7"})
    event = {"id": 1, "type": "view", "user": 42, "product": 7}
    assert send(api, event)["results"] == [{"id": "1", "status": "accepted"}]
    assert send(api, {**event, "id": "1"})["results"] == [{"id": "1", "status": "duplicate"}]
    assert shop.user("42").history_version == 1
    assert send(api, [{"id": 2, "type": "none"}])["results"][0]["id"] == "2"


def test_a_search_needs_no_product(api):
    assert send(api, {"type": "search", "user": "u1"})["accepted"] == 1
    assert "product" in rejection(api, {"type": "view", "user": "u1"})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"product": "mug-mauve"}, "unknown product"),
        ({"product": ""}, "product "),
        ({"product": "x" * 256}, "product "),
        ({"product": 1.5}, "unknown product"),
        ({"product": True}, "product "),
        ({"user": ""}, "user is missing"),
        ({"user": None}, "user "),
        ({"user": ["u1"]}, "user "),
        ({"id": {"a": 1}}, "id "),
        ({"type": "stare"}, "type is not one of add_to_cart, "),
        ({"type": "x" * 10_000}, "type "),
        ({"type": None}, "type "),
        ({"at": "yesterday"}, "at "),
        ({"at": "1969-12-31T23:59:59Z"}, "at is more than 14,610 days ago"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "at is outside the years 1 to 9999"),
        ({"at": 1e300}, "at "),
        ({"at": None}, "at is missing"),
        ({"at": 2025}, "at is too small a number for a time"),
        ({"quantity": 0}, "quantity "),
        ({"quantity": "many"}, "quantity "),
        ({"value": []}, "value "),
        ({"type": "purchase", "value": -3.5}, "value is negative: cancelled or returned"),
        ({"rec_id": "rec"}, "rec_id "),
        ({"colour": "red"}, "colour Extra inputs are not permitted"),
    ],
)
def test_an_event_that_cannot_be_is_rejected_and_says_why(api, change, reason):
    event = {**VIEW, "id": "e1"} | change
    assert rejection(api, event).startswith(reason)
    assert len(rejection(api, event)) < 500
    assert not Event.objects.exists()


def test_an_event_of_the_future_is_rejected_but_clocks_may_differ(api):
    now = datetime.now(UTC)
    assert rejection(api, {**VIEW, "at": (now + timedelta(days=2)).isoformat()}) == (
        "at is in the future"
    )
    assert send(api, {**VIEW, "at": (now + timedelta(hours=23)).isoformat()})["accepted"] == 1


@pytest.mark.parametrize("row", [5, "text", None, [], [["type", "view"]], True])
def test_a_row_that_is_no_object_is_rejected(api, row):
    assert rejection(api, row)


def test_a_bad_row_costs_only_itself(api):
    rows = [VIEW, {"type": "view"}, {**VIEW, "product": "gone"}, {**VIEW, "id": "last"}]
    answer = send(api, rows)
    assert [result["status"] for result in answer["results"]] == [
        "accepted",
        "rejected",
        "rejected",
        "accepted",
    ]
    assert [result["id"] for result in answer["results"]] == [None, None, None, "last"]


@pytest.mark.parametrize("body", [b"", b"{", b"5", b'"x"', b"null", b"[NaN]"])
def test_a_body_that_is_no_events_is_refused(api, body):
    problem(api.send("POST", EVENTS, body), 400)


def test_a_browser_key_may_send_events(browser):
    assert send(browser, VIEW)["accepted"] == 1


def test_a_product_of_another_catalog_is_unknown(stranger):
    assert rejection(stranger, VIEW) == "unknown product"


def test_a_browser_sends_what_happens_now_and_makes_no_month_of_long_ago(browser, api):
    def months() -> int:
        return database.fetch(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'recommender_event'::regclass"
        )[0][0]

    now, before = datetime.now(UTC), months()
    for days in (8, 400, 10_000):
        old = {**VIEW, "at": (now - timedelta(days=days)).isoformat()}
        assert rejection(browser, old).startswith("at is more than 7 days ago")
    assert months() == before
    recent = {**VIEW, "at": (now - timedelta(days=6)).isoformat()}
    assert send(browser, recent)["accepted"] == 1
    assert send(api, {**VIEW, "at": "1998-05-01T00:00:00Z"})["accepted"] == 1


@pytest.mark.parametrize(
    ("event", "status", "detail"),
    [
        ({**VIEW, "product": "gone"}, 404, "There is no product 'gone'."),
        ({"type": "view", "user": "u1"}, 400, "product is missing"),
        ({"type": "stare", "user": "u1", "product": "mug-red"}, 400, "type is not one of"),
        ({"user": "u1", "colour": "red"}, 400, "colour Extra inputs"),
    ],
)
def test_one_event_alone_that_is_refused_is_an_error(api, event, status, detail):
    assert detail in problem(api.post(EVENTS, event), status)["detail"]
    assert rejection(api, event), "in an array it costs only its row"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "rating"}, "value is missing; a rating has one"),
        ({"type": "rating", "value": 0.5}, "value is not from 1 to 10, the catalog's scale"),
        ({"type": "rating", "value": 11}, "value is not from 1 to 10"),
        ({"type": "view_portion", "value": 55}, "value is not from 0 to 1"),
        ({"type": "view_portion", "value": -0.1}, "value is not from 0 to 1"),
        ({"user": "a\nb"}, "user holds a control character"),
        ({"product": "a\x85b"}, "product holds a control character"),
        ({"user": ".."}, "user is a dot or two"),
    ],
)
def test_a_value_off_its_scale_or_an_id_no_address_can_hold_is_refused(shop, api, change, reason):
    catalogs.change_catalog(shop.catalog, rating_scale=(1, 10))
    assert rejection(api, VIEW | change).startswith(reason)
    assert send(api, {**VIEW, "type": "rating", "value": 10})["accepted"] == 1


@pytest.mark.parametrize(
    "user", [b"\\u0000", b"\\ud800", b"\xff", b"\\udc00\\ud800", b"\xed\xa0\x80"]
)
def test_a_row_that_is_no_text_costs_itself_not_the_array(api, user):
    good = orjson.dumps({**VIEW, "user": "Zoë 🫖", "id": 2**63})
    bad = b'{"type": "view", "product": "mug-red", "user": "u' + user + b'"}'
    answer = api.send("POST", EVENTS, b"[" + good + b"," + bad + b',{"a":[1]}]').json()
    assert [result["status"] for result in answer["results"]] == ["accepted", *["rejected"] * 2]
    assert answer["results"][0]["id"] == str(2**63)
    problem(api.send("POST", EVENTS, bad), 400)
    problem(api.send("POST", EVENTS, b"[" + good + b"," + bad + b",NaN]"), 400, "not-json")


def test_of_an_event_without_consent_nothing_is_stored_and_the_answer_says_so(stocked, api):
    sent = {**VIEW, "id": "e1", "user": "noa", "consent": False}
    told = {"id": "e1", "status": "not_stored", "reason": "consent is false: nothing of it is "
            "stored"}  # fmt: skip
    assert send(api, sent)["results"] == [told]
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()
    assert not User.objects.exists()
    # Its id is free, too, for when consent is given.
    assert send(api, [{**sent, "consent": True}, sent])["results"] == [
        {"id": "e1", "status": "accepted"},
        told,
    ]


def test_an_event_without_consent_is_checked_as_any_other(stocked, api):
    assert "type" in rejection(api, {**VIEW, "type": "stare", "consent": False})
    assert "consent" in rejection(api, {**VIEW, "consent": "no"})
