from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.http import HttpResponse
from django.utils import timezone

from recommender.history import popularity
from tests.recommender import goods
from tests.recommender.api.client import Api, items, problem
from tests.shop import NOON, event

SIMILAR = "/v1/products/mug-red/similar"
FOR_USER = "/v1/users/u1/recommendations"
ADDRESSES = (SIMILAR, FOR_USER)
BOTH = pytest.mark.parametrize("address", ADDRESSES)
MUGS = {f"mug-{colour}" for colour in ("green", "blue", "white", "black", "yellow")}


@pytest.fixture
def visited(stocked):
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red")
    return stocked


def answer(response: HttpResponse, *more: str) -> dict[str, Any]:
    """An answer, found to be whole."""
    assert response.status_code == 200, response.content[:500]
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert list(body) == [
        "rec_id", "spaces", "complete", "reason", "missing_ids", "fallback", "degraded", *more,
        "items",
    ]  # fmt: skip
    UUID(body["rec_id"])
    assert body["complete"] is (body["reason"] is None)
    assert [item["rank"] for item in body["items"]] == list(range(1, len(body["items"]) + 1))
    for item in body["items"]:
        assert item.keys() == {"id", "rank", "score", "fields", "why"}
        assert sum(item["why"]["contributions"].values()) == pytest.approx(item["score"])
        assert item["why"]["source"] in item["why"]["contributions"]
        old = {name: item["why"][name] for name in ("channel", "parts")}
        assert list(old.values()) == [item["why"]["source"], item["why"]["contributions"]]
    assert all(higher["score"] >= lower["score"] for higher, lower in pairwise(body["items"]))
    return body


def test_similar_products_come_best_first_and_say_why(visited, api):
    body = answer(api.get(SIMILAR, count=5))
    assert {item["id"] for item in body["items"]} == MUGS
    assert (body["spaces"], body["complete"], body["fallback"]) == (["text@1"], True, None)
    assert all(item["why"]["because"] == ["mug-red"] for item in body["items"])
    assert all(item["why"]["contributions"].keys() == {"text"} for item in body["items"])


def test_recommendations_come_best_first_and_say_why(visited, api):
    body = answer(api.get(FOR_USER, count=8))
    assert len(body["items"]) == 8
    assert (body["spaces"], body["complete"], body["fallback"]) == (["text@1"], True, None)
    assert not {"mug-red", "mug-green", "lamp-red"} & set(items(api.get(FOR_USER, count=24)))
    assert {kind.split("-")[0] for kind in items(api.get(FOR_USER, count=8))} == {"mug", "lamp"}
    because = {product for item in body["items"] for product in item["why"]["because"]}
    assert because <= {"mug-red", "mug-green", "lamp-red"}
    assert because


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"count": 3},
        {"count": 24, "fields": ["title", "attributes.colour"]},
        {"filter": {"all": [{"price": {"lte": 20}}, {"category": {"under": "Home"}}]}},
        {"exclude": []},
        {"exclude": ["purchased"], "explain": True},
        {"as_of": "2025-06-01T12:01:30Z"},
    ],
)
@BOTH
def test_get_and_post_answer_alike(visited, api, address, body):
    parameters = dict(body)
    for name in ("fields", "exclude"):
        if name in body:
            parameters[name] = ",".join(body[name]) or "none"
    if "filter" in body:
        parameters["filter"] = orjson.dumps(body["filter"]).decode()
    fetched, posted = answer(api.get(address, **parameters)), answer(api.post(address, body))
    assert fetched.pop("rec_id") != posted.pop("rec_id")
    assert fetched == posted
    assert fetched["items"]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"count": "3", "explain": "1", "fields": "title,price", "exclude": "none"},
        {"count": "5", "filter": '{"category": {"under": "Kitchen"}}'},
        {"count": "0"},
        {"count": "5", "colour": "red"},
        {"fields": "colour"},
    ],
)
@BOTH
def test_the_short_way_and_the_long_one_answer_alike(visited, api, address, parameters):
    short = api.get(address, **parameters)
    # A scheme in small letters is as good, but seldom sent.
    long = api.get(address, {"Authorization": f"bearer {api.key}"}, **parameters)
    assert (short.status_code, short["Content-Type"]) == (long.status_code, long["Content-Type"])
    assert {**short.json(), "rec_id": ""} == {**long.json(), "rec_id": ""}


@BOTH
def test_fields_are_carried_along(visited, api, address):
    names = "title,price,image_urls,released_at,attributes,colour,attributes.grams"
    product = answer(api.get(address, count=1, fields=names))["items"][0]
    kind, colour = product["id"].split("-")
    fields = product["fields"]
    assert list(fields) == names.split(",")
    assert fields["title"] == f"{colour.capitalize()} {kind}"
    assert fields["colour"] == colour
    assert fields["attributes"]["grams"] == fields["attributes.grams"] > 0
    assert isinstance(fields["price"], float)
    assert (fields["image_urls"], fields["released_at"]) == ([], None)
    assert answer(api.get(address, count=1))["items"][0]["fields"] == {}


@BOTH
def test_explain_puts_the_reason_into_words(visited, api, address):
    told = answer(api.get(address, count=24, explain="true"))["items"]
    plain = answer(api.get(address, count=24))["items"]
    for item in told:
        text = item["why"].pop("text")
        assert not {"mug-red", "mug-green", "lamp-red"} & set(text.split())
        assert text.startswith(("Because you viewed ", "Similar to Red mug", "Newly added"))
    assert [item["why"] for item in told] == [item["why"] for item in plain]


def test_the_strongest_event_with_a_product_is_told(stocked, api):
    stocked.post(event("u1", "mug-red", type="purchase"))
    stocked.visit("u1", "mug-red")
    for exclude, code, text in (
        ("seen", "because_bought", "Because you bought Red mug"),
        ("none", "bought_before", "You bought this before"),
    ):
        listed = answer(api.get(FOR_USER, exclude=exclude, explain="true"))["items"]
        reasons = {item["why"]["code"]: item["why"]["text"] for item in listed}
        assert reasons[code] == text


@BOTH
def test_the_reason_is_in_the_language_asked_for(visited, api, address):
    german = api.get(address, {"Accept-Language": "fr, de-AT;q=0.8"}, explain="true")
    assert german["Content-Language"] == "de"
    assert "Accept-Language" in german["Vary"]
    assert answer(german)["items"][0]["why"]["text"] in (
        "Weil Sie „Red mug“ angesehen haben",
        "Weil Sie „Green mug“ angesehen haben",
        "Weil Sie „Red lamp“ angesehen haben",
        "Ähnlich wie „Red mug“",
    )
    for accepted in ("", "*", "de;q=much", "\u2603", "x" * 9000):
        english = api.get(address, {"Accept-Language": accepted}, explain="true")
        assert english["Content-Language"] == "en"
        assert answer(english)["items"]
    assert "Content-Language" not in api.get(address, {"Accept-Language": "de"})


@BOTH
def test_a_filter_is_kept_to_and_a_short_list_says_why(visited, api, address):
    whole = answer(api.post(address, {"filter": {"brand": "Lamp Works"}, "count": 5}))
    assert {item["id"].split("-")[0] for item in whole["items"]} == {"lamp"}
    assert whole["complete"]
    short = answer(api.post(address, {"filter": {"id": ["lamp-blue", "mug-red"]}}))
    assert [item["id"] for item in short["items"]] == ["lamp-blue"]
    assert short["reason"] == "filter matches 2 products, 1 of them excluded"


def test_a_filter_compares_with_the_product_that_is_asked_about(stocked, api, browser):
    like = {"price": {"lt": {"product": "price", "times": 1.5}}, "brand": {"product": "brand"}}
    cheaper = {"filter": like, "exclude": []}
    expected = {"mug-red", "mug-green", "mug-blue", "mug-white"}
    for key in (api, browser):
        body = answer(key.post("/v1/products/mug-blue/similar", cheaper))
        assert {item["id"] for item in body["items"]} == expected - {"mug-blue"}
    body = answer(api.post("/v1/recommendations", {"products": ["mug-blue"]} | cheaper))
    assert {item["id"] for item in body["items"]} == expected
    for given in ({"products": ["mug-blue", "mug-red"]}, {"session": []}):
        refused = problem(api.post("/v1/recommendations", given | cheaper), 400, "invalid-filter")
        assert refused["errors"][0]["where"] == "filter.price.lt"


def test_a_filter_that_compares_with_nothing_says_so(stocked, api):
    stocked.put({"id": "bare", "title": "Grey mug"})
    stocked.embed()
    body = answer(
        api.post("/v1/products/bare/similar", {"filter": {"price": {"lt": {"product": "price"}}}})
    )
    assert body["items"] == []
    assert body["degraded"] == {"filter.price.lt": "product_without_value"}


def test_a_boost_that_compares_with_nothing_says_so(stocked, api):
    stocked.put({"id": "bare", "title": "Grey mug"})
    stocked.embed()
    boost = {"when": {"brand": {"product": "brand"}}, "times": 2}
    body = answer(api.post("/v1/products/bare/similar", {"boost": [boost]}))
    assert body["degraded"] == {"boost[0].when.brand.eq": "product_without_value"}
    body = answer(api.post("/v1/products/mug-red/similar", {"boost": [boost]}))
    assert body["degraded"] == {}


def test_a_browser_key_compares_with_no_attribute_that_is_not_public(stocked, browser):
    secret = {"filter": {"price": {"lte": {"product": "grams"}}}}
    refused = problem(browser.post(SIMILAR, secret), 400, "invalid-filter")
    assert refused["errors"][0]["where"] == "filter.price.lte.product"


def test_an_attribute_can_be_filtered_by_as_soon_as_a_product_has_it(stocked, api):
    address = "/v1/products/mug-red/similar"
    problem(api.post(address, {"filter": {"material": "tin"}}), 400, "invalid-filter")
    api.patch("/v1/products/lamp-red", {"attributes": {"material": "tin"}})
    assert items(api.post(address, {"filter": {"material": "tin"}})) == ["lamp-red"]


def test_a_user_nobody_knows_gets_a_fallback_and_is_reported(visited, api):
    body = answer(api.get("/v1/users/nobody/recommendations", count=3))
    assert body["missing_ids"] == ["nobody"]
    assert body["fallback"] == "newest"
    assert len(body["items"]) == 3
    assert body["spaces"] == []


def test_a_product_nobody_knows_is_an_error(stocked, api):
    for response in (
        api.get("/v1/products/pan/similar"),
        api.post("/v1/products/pan/similar", {}),
    ):
        body = problem(response, 404, "unknown-product")
        assert body["missing_ids"] == ["pan"]
        assert "'pan'" in body["detail"]


def test_the_catalog_may_be_empty(api):
    body = answer(api.get(FOR_USER))
    assert (body["items"], body["complete"], body["reason"]) == ([], False, "0 products in stock")


@pytest.mark.parametrize("count", ["0", "-1", "1001", "1e9", "1000000000", "abc", "1.5", "", " "])
def test_a_count_that_cannot_be_is_refused(api, count):
    for address in ADDRESSES:
        errors = problem(api.get(address, count=count), 400, "invalid")["errors"]
        assert errors[0]["where"] == "query.count"


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        ({"count": 0}, "invalid", "body.count"),
        ({"count": 1e9}, "invalid", "body.count"),
        ({"count": "3"}, "invalid", "body.count"),
        ({"count": True}, "invalid", "body.count"),
        ({"count": None}, "invalid", "body.count"),
        ({"counts": 3}, "invalid", "body.counts"),
        ({"fields": "title"}, "invalid", "body.fields"),
        ({"fields": ["titel"]}, "unknown-field", "fields"),
        ({"fields": ["content_hash"]}, "unknown-field", "fields"),
        ({"fields": [1.5]}, "unknown-field", "fields"),
        ({"exclude": "seen"}, "invalid", "body.exclude"),
        ({"exclude": ["bought"]}, "invalid", "body.exclude.0"),
        ({"as_of": "then"}, "invalid", "body.as_of"),
        ({"as_of": "0001-01-01T00:00:00+14:00"}, "invalid", "body.as_of"),
        ({"explain": "perhaps"}, "invalid", "body.explain"),
        ({"explain": "yes"}, "invalid", "body.explain"),
        ({"explain": 1}, "invalid", "body.explain"),
        ({"filter": []}, "invalid", "body.filter"),
        ({"filter": "price<3"}, "invalid", "body.filter"),
        ({"filter": {}}, "invalid-filter", "filter"),
        ({"filter": {"prize": 3}}, "invalid-filter", "filter.prize"),
        ({"filter": {"price": {"under": 3}}}, "invalid-filter", "filter.price"),
        ({"filter": {"not": {"price": "3"}}}, "invalid-filter", "filter.not.price.eq"),
        ([], "invalid", "body"),
        (None, "invalid", "body"),
    ],
)
def test_a_request_that_cannot_be_is_refused_and_says_where(api, body, kind, where):
    for address in ADDRESSES:
        errors = problem(api.post(address, body), 400, kind)["errors"]
        assert [error["where"] for error in errors] == [where]


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({"colour": "red"}, "unknown-parameter"),
        ({"Count": 3}, "unknown-parameter"),
        ({"fields": "titel"}, "unknown-field"),
        ({"fields": "title,"}, "unknown-field"),
        ({"fields": "a\x00b"}, "invalid"),
        ({"exclude": "bought"}, "invalid"),
        ({"explain": "perhaps"}, "invalid"),
        ({"explain": "on"}, "invalid"),
        ({"as_of": "then"}, "invalid"),
        ({"filter": "{"}, "not-json"),
        ({"filter": "[]"}, "invalid"),
        ({"filter": "3"}, "invalid"),
        ({"filter": "[" * 2000}, "not-json"),
        ({"filter": '{"a":' * 300 + "1" + "}" * 300}, "too-deep"),
        ({"filter": '{"title": "\\u0000"}'}, "nul-character"),
        ({"filter": '{"prize": 3}'}, "invalid-filter"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(api, parameters, kind):
    for address in ADDRESSES:
        problem(api.get(address, **parameters), 400, kind)


def test_a_count_may_be_written_with_a_point_and_explain_as_a_digit(stocked, api):
    for address in ADDRESSES:
        assert len(items(api.post(address, {"count": 3.0}))) == 3
        refused = problem(api.post(address, {"count": 3.5}), 400, "invalid")
        assert refused["errors"][0]["where"] == "body.count"
        explained = api.get(address, explain="1").json()["items"]
        assert [item for item in explained if item["why"]["text"]] == explained != []


def test_a_body_is_not_mixed_with_parameters(api):
    for address in ADDRESSES:
        refused = problem(api.post(f"{address}?count=3", {}), 400, "unknown-parameter")
        assert "'count'" in refused["detail"]


def test_history_may_be_cut_off_at_a_time(visited, api):
    listed = answer(api.get(FOR_USER, as_of="2025-06-01T12:00:30Z", count=24))["items"]
    assert {"mug-green", "lamp-red"} < {item["id"] for item in listed}
    assert {product for item in listed for product in item["why"]["because"]} == {"mug-red"}


def test_any_time_may_be_asked_for(visited, api):
    for moment in ("0001-01-01", "1970-01-01", "9999-12-31T23:59:59Z"):
        assert answer(api.get(FOR_USER, as_of=moment))["complete"]
        assert answer(api.get(SIMILAR, as_of=moment))["complete"]


def test_nothing_of_the_users_own_is_left_out_where_asked(visited: Any, api: Api) -> None:
    own = {"mug-red", "mug-green", "lamp-red"}
    listed = answer(api.get(FOR_USER, exclude="none", count=24))
    assert own < {item["id"] for item in listed["items"]}
    repeats = {item["id"] for item in listed["items"] if "repeat" in item["why"]["contributions"]}
    assert repeats == own
    assert own < set(items(api.get(FOR_USER, exclude="purchased", count=24)))


AD_HOC = "/v1/recommendations"


def test_products_that_are_named_lead_to_others_of_their_kind(visited, api):
    body = answer(api.post(AD_HOC, {"products": ["puzzle-red", "puzzle-blue"], "count": 4}))
    assert {item["id"] for item in body["items"]} == {
        f"puzzle-{colour}" for colour in ("green", "white", "black", "yellow")
    }
    assert {name for item in body["items"] for name in item["why"]["because"]} <= {
        "puzzle-red",
        "puzzle-blue",
    }
    assert body["items"][0]["why"]["code"] == "similar_to"


def test_what_is_not_wanted_is_pushed_away(visited, api):
    wanted = {"products": ["puzzle-red", "lamp-red"], "count": 18}
    against = {"products": ["lamp-red", {"id": "puzzle-red", "weight": -1}], "count": 18}
    first = items(api.post(AD_HOC, against))[:5]
    assert {name.partition("-")[0] for name in first} == {"lamp"}
    assert "puzzle" in {name.partition("-")[0] for name in items(api.post(AD_HOC, wanted))[:9]}


def test_a_session_is_answered_and_not_stored(visited, api):
    session = [{"type": "view", "product": "spade-red"}, {"type": "view", "product": "spade-blue"}]
    body = answer(api.post(AD_HOC, {"session": session, "count": 4, "explain": True}))
    assert {item["id"].partition("-")[0] for item in body["items"]} == {"spade"}
    assert body["items"][0]["why"]["code"] == "because_viewed"
    assert not visited.catalog.users.exclude(external_id="u1").exists()


def test_a_session_is_later_than_what_the_user_did_before(visited, api):
    session = [{"type": "purchase", "product": "puzzle-red"}]
    alone = set(items(api.get(FOR_USER, count=6)))
    body = answer(api.post(AD_HOC, {"user": "u1", "session": session, "count": 6}))
    both = {item["id"] for item in body["items"]}
    assert "puzzle" in {name.partition("-")[0] for name in both}
    assert not {"mug-red", "mug-green", "lamp-red", "puzzle-red"} & both
    assert both != alone


def test_a_session_is_answered_as_the_same_history_is(visited, api):
    events = [
        event("u2", product, at=NOON + place * timedelta(hours=1))
        for place, product in enumerate(("lamp-red", "mug-blue", "spade-red"))
    ]
    visited.post(*events)
    session = [
        {"type": one.type, "product": one.product, "at": one.at.isoformat()} for one in events
    ]
    stored = answer(api.get("/v1/users/u2/recommendations", count=20))
    given = answer(api.post(AD_HOC, {"session": session, "count": 20}))
    assert [item["id"] for item in given["items"]] == [item["id"] for item in stored["items"]]
    for one, other in zip(given["items"], stored["items"], strict=True):
        assert one["why"]["contributions"] == pytest.approx(other["why"]["contributions"])
        assert one["why"]["because"] == other["why"]["because"]


def test_a_user_alone_is_recommended_what_they_always_are(visited, api):
    body = answer(api.post(AD_HOC, {"user": "u1", "count": 6}))
    assert [item["id"] for item in body["items"]] == items(api.get(FOR_USER, count=6))


def test_what_is_unknown_is_told_and_the_rest_counts(visited, api):
    asked = {"products": ["gone", "mug-red"], "user": "nobody", "count": 3}
    body = answer(api.post(AD_HOC, asked))
    assert body["missing_ids"] == ["nobody", "gone"]
    assert {item["id"].partition("-")[0] for item in body["items"]} == {"mug"}
    for asked, missing in (({"products": ["gone"]}, ["gone"]), ({}, [])):
        body = answer(api.post(AD_HOC, asked | {"count": 3}))
        assert (body["missing_ids"], len(body["items"])) == (missing, 3)
        assert body["fallback"] in ("popular", "newest")


def test_a_browser_key_has_a_session_count_alone_where_it_may_not_know_the_user(
    visited, api, browser
):
    api.put("/v1/users/u1", {})
    session = [{"type": "view", "product": "spade-red"}]
    body = answer(browser.post(AD_HOC, {"user": "u1", "session": session, "count": 3}))
    assert body["degraded"] == {"user": "no_user_token"}
    assert {item["id"].partition("-")[0] for item in body["items"]} == {"spade"}
    assert all(item["why"]["because"] == [] for item in body["items"])


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"products": [{"id": "mug-red", "weight": "much"}]}, "body.products"),
        ({"products": [{"id": "mug-red", "weight": 1e9}]}, "body.products"),
        ({"products": ["x"] * 101}, "body.products"),
        ({"session": [{"type": "stare", "product": "mug-red"}]}, "body.session.0.type"),
        ({"session": [{"type": "view"}]}, "body.session.0.product"),
        ({"session": [{"type": "view", "product": "mug-red", "at": "soon"}]}, "body.session.0.at"),
        ({"seeds": ["mug-red"]}, "body.seeds"),
    ],
)
def test_what_is_not_right_of_a_session_is_named(visited, api, body, where):
    errors = problem(api.post(AD_HOC, body), 400)["errors"]
    assert any(one["where"].startswith(where) for one in errors), errors


def test_what_is_popular_trending_and_new_is_listed_for_everybody(visited, api, browser):
    for user in ("u2", "u3", "u4"):
        visited.visit(user, "spade-red", "spade-blue")
    now = timezone.now()
    visited.post(*(event(f"n{n}", "puzzle-red", at=now - timedelta(hours=1)) for n in range(3)))
    visited.put({**goods.goods()[3], "released_at": now.isoformat()})
    popularity.refresh(visited.catalog)
    found = {
        name: answer(browser.get(f"/v1/{name}", count=3, explain="true"), "measured_by")
        for name in ("popular", "trending", "new")
    }
    assert found["popular"]["items"][0]["id"] == found["trending"]["items"][0]["id"] == "puzzle-red"
    assert found["new"]["items"][0]["id"] == goods.goods()[3]["id"]
    codes = {name: body["items"][0]["why"]["code"] for name, body in found.items()}
    assert codes == {"popular": "popular", "trending": "trending", "new": "new"}
    assert [len(body["items"]) for body in found.values()] == [3, 1, 3]
    under = '{"category": {"under": "Home"}}'
    assert set(items(api.get("/v1/popular", filter=under))) == {"mug-red", "mug-green", "lamp-red"}
    problem(api.get("/v1/popular", user="u1"), 400, "unknown-parameter")
