from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from django.utils import timezone

from recommender.history import popularity
from recommender.models import Catalog
from tests.recommender import goods
from tests.recommender.api.client import items, problem
from tests.shop import NOON, event
from tests.statements import fewest

USER = "/v1/users/u1/recommendations"
SIMILAR = "/v1/products/mug-red/similar"
SEARCH = "/v1/search"
POPULAR = "/v1/popular"
# Every kind of list, as a body where it takes one.
ROADS = {
    USER: {},
    SIMILAR: {},
    SEARCH: {"q": "mug"},
    "/v1/recommendations": {"products": ["mug-red"]},
}


@pytest.fixture
def visited(stocked):
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red")
    stocked.visit("u2", "puzzle-red", "spade-red")
    popularity.refresh(stocked.catalog)
    return stocked


def listed(api, address, **body):
    response = api.post(address, ROADS[address] | body)
    assert response.status_code == 200, response.content
    answer = response.json()
    for item in answer["items"]:
        assert sum(item["why"]["contributions"].values()) == pytest.approx(item["score"], abs=1e-6)
    return answer


def ids(answer):
    return [item["id"] for item in answer["items"]]


def kinds(answer):
    return Counter(name.split("-")[0] for name in ids(answer))


@pytest.mark.parametrize("address", ROADS)
def test_a_boost_lifts_what_passes_in_every_list(visited, api, address):
    plain = ids(listed(api, address, count=24))
    wanted = next(name for name in plain[1:] if name.endswith(("black", "yellow")))
    boost = {"when": {"id": wanted}, "times": 50}
    answer = listed(api, address, count=3, boost=[boost])
    assert ids(answer)[0] == wanted
    assert answer["items"][0]["why"]["contributions"]["boost"] > 0


@pytest.mark.parametrize("address", ROADS)
def test_caps_promotion_and_ids_left_out_hold_in_every_list(visited, api, address):
    answer = listed(
        api,
        address,
        count=8,
        max_per={"brand": 2},
        promote={"share": 0.25, "filter": {"colour": "yellow"}},
        exclude_ids=["puzzle-yellow"],
    )
    assert max(kinds(answer).values()) <= 2
    yellow = [name for name in ids(answer) if name.endswith("yellow")]
    assert len(yellow) >= 2
    assert "puzzle-yellow" not in yellow
    assert len(set(ids(answer))) == len(ids(answer))


def test_a_list_that_a_cap_leaves_short_says_so(visited, api):
    answer = listed(api, USER, count=8, max_per={"brand": 1})
    assert kinds(answer) == {"mug": 1, "lamp": 1, "puzzle": 1, "spade": 1}
    assert answer["complete"] is False
    assert answer["reason"].endswith("max_per leaves no more of the candidates")


def test_the_least_relevance_counts_what_is_left_out_and_nothing_fills_up(visited, api):
    answer = listed(api, SIMILAR, count=24, min_relevance=0.5)
    assert kinds(answer) == {"mug": 5}
    assert "below min_relevance" in answer["reason"]


def test_diversity_mixes_by_vectors_or_by_fields(visited, api):
    plain = listed(api, SIMILAR, count=4)
    assert kinds(plain) == {"mug": 4}
    assert len(kinds(listed(api, SIMILAR, count=4, diversity=0.9))) > 1
    by_brand = {"weight": 0.9, "by": ["brand"]}
    assert len(kinds(listed(api, SIMILAR, count=4, diversity=by_brand))) == 4


def test_relevance_falls_with_price_and_age(visited, api):
    near = [{"decay": "price", "origin": 10, "half_life": 1}]
    cheap = listed(api, SIMILAR, count=3, boost=near, filter={"brand": "Mug Works"})
    assert ids(cheap) == ["mug-green", "mug-blue", "mug-white"]
    old, new = NOON - timedelta(days=900), timezone.now()
    visited.put(
        goods.goods()[1] | {"released_at": old.isoformat()},
        goods.goods()[2] | {"released_at": new.isoformat()},
    )
    fresh = [{"decay": "released_at", "half_life": "30d"}]
    answer = ids(listed(api, SIMILAR, count=5, boost=fresh, filter={"brand": "Mug Works"}))
    assert answer[-1] == "mug-green"


def test_a_formula_makes_relevance_of_fields(visited, api):
    by_weight = [{"formula": "relevance + grams / 1000 + price"}]
    answer = listed(api, SIMILAR, count=5, boost=by_weight, filter={"brand": "Mug Works"})
    assert ids(answer) == ["mug-yellow", "mug-black", "mug-white", "mug-blue", "mug-green"]
    visited.put(goods.goods()[5] | {"price": None})
    answer = listed(api, SIMILAR, count=5, boost=by_weight, filter={"brand": "Mug Works"})
    assert answer["degraded"] == {"formula": "no_value"}


def test_what_the_user_was_shown_lately_goes_down_and_comes_back(visited, api):
    first = ids(listed(api, USER, count=3))
    shown_at = timezone.now() - timedelta(hours=1)
    visited.post(event("u1", first[0], type="impression", at=shown_at))
    rotation = {"rate": 1, "recover": "2h"}
    assert first[0] not in ids(listed(api, USER, count=3, rotation=rotation))
    assert ids(listed(api, USER, count=3, rotation={"rate": 1, "recover": "30m"})) == first
    nobody = listed(api, SIMILAR, count=3, rotation=rotation)
    assert nobody["degraded"] == {"rotation": "no_user"}


def test_new_products_get_their_share_and_the_answer_says_how_likely(visited, api):
    answer = listed(api, USER, count=8, exploration=0.25)
    explored = [item for item in answer["items"] if item["why"].get("placed") == "explored"]
    assert len(explored) == 2
    assert all(0 < item["why"]["propensity"] <= 1 for item in explored)


def test_a_rule_that_finds_no_product_says_so(visited, api):
    answer = listed(api, USER, count=3, promote={"share": 0.5, "filter": {"brand": "none"}})
    assert answer["degraded"] == {"promote": "no_candidates"}


def test_exclusions_go_by_event_age_and_cart(visited, api):
    now = timezone.now()
    visited.post(
        event("u1", "mug-blue", type="add_to_cart", at=now),
        event("u1", "mug-white", type="add_to_cart", at=now - timedelta(days=2)),
        event("u1", "mug-white", type="remove_from_cart", at=now - timedelta(days=1)),
        event("u1", "mug-black", at=now - timedelta(days=10)),
        event("u1", "mug-yellow", at=now - timedelta(hours=1)),
    )
    everything = {"count": 24}
    assert set(goods.KINDS) == set(kinds(listed(api, USER, **everything, exclude=[])))
    in_cart = set(ids(listed(api, USER, **everything, exclude=["in_cart"])))
    assert "mug-blue" not in in_cart
    assert {"mug-white", "mug-red"} <= in_cart
    lately = [{"event": "view", "within": "7d"}]
    left = set(ids(listed(api, USER, **everything, exclude=lately)))
    assert "mug-yellow" not in left
    assert {"mug-black", "mug-blue"} <= left
    assert "mug-black" not in ids(listed(api, USER, **everything, exclude=[{"event": "view"}]))


def test_what_is_due_to_be_bought_again_comes_back_and_not_the_day_after(visited, api):
    days = [100, 70, 40]
    for user, last in (("v1", 0), ("v2", 0), ("u1", 10)):
        purchases = [
            event(user, "mug-red", type="purchase", at=NOON - timedelta(days=day + last))
            for day in days
        ]
        visited.post(*purchases)
    popularity.refresh(visited.catalog)

    def repeated(days: float) -> bool:
        as_of = (NOON + timedelta(days=days)).isoformat()
        return "mug-red" in ids(listed(api, USER, count=24, repeats=True, as_of=as_of))

    assert repeated(1)
    visited.post(event("u1", "mug-red", type="purchase", at=NOON + timedelta(days=2)))
    assert not repeated(3)
    assert repeated(40)
    assert "mug-red" not in ids(listed(api, USER, count=24))


def test_query_parameters_say_the_same(visited, api):
    response = api.get(
        USER,
        count=8,
        boost='[{"when": {"id": "mug-black"}, "times": 50}]',
        max_per='{"brand": 1}',
        diversity="0.2",
        exclude_ids="lamp-blue,lamp-green",
        exclude="seen,in_cart",
    )
    assert items(response)[0] == "mug-black"
    assert not {"lamp-blue", "lamp-green"} & set(items(response))
    assert len(items(response)) == 4
    assert len(items(api.get(POPULAR, count=8, max_per='{"category": 1}'))) == 4


def test_rules_cost_one_statement_more(visited, api):
    def statements(**body):
        return fewest(lambda: listed(api, USER, count=5, **body))

    plain = statements()
    rules = {"boost": [{"when": {"colour": "red"}, "times": 2}], "max_per": {"brand": 3}}
    assert statements(**rules) == plain + 1


BAD = [
    ({"boost": [{"when": {"no": 1}, "times": 2}]}, "invalid-filter", "boost[0].when.no"),
    ({"boost": [{"decay": "no", "half_life": 1}]}, "invalid-filter", "boost[0].decay"),
    ({"boost": [{"decay": "brand", "half_life": 1}]}, "invalid-filter", "boost[0].decay"),
    ({"boost": [{"decay": "price", "half_life": 1}]}, "invalid-filter", "boost[0].origin"),
    ({"boost": [{"decay": "released_at", "half_life": "x3"}]}, "invalid-filter",
     "boost[0].half_life"),
    ({"boost": [{"decay": "released_at", "half_life": "1d", "origin": "soon"}]}, "invalid-filter",
     "boost[0].origin"),
    ({"boost": [{"formula": "brand * 2"}]}, "invalid-filter", "boost[0].formula"),
    ({"promote": {"share": 0.1, "filter": {}}}, "invalid-filter", "promote.filter"),
    ({"max_per": {"tags": 1}}, "invalid-filter", "max_per.tags"),
    ({"diversity": {"weight": 0.5, "by": ["no"]}}, "invalid-filter", "diversity.by[0]"),
    ({"max_per": {"brand": 0}}, "invalid", "body.max_per.brand"),
    ({"diversity": 1.1}, "invalid", None),
    ({"min_relevance": "high"}, "invalid", "body.min_relevance"),
    ({"rotation": {"rate": 0.5, "recover": "soon"}}, "invalid", "body.rotation.recover"),
    ({"exclude": [{"event": "view", "within": "1 week"}]}, "invalid", None),
    ({"boost": [{"when": {"brand": "x"}, "times": -1}]}, "invalid", None),
    ({"exclude_ids": [""]}, "invalid", "body.exclude_ids.0"),
    ({"boost": [{}]}, "invalid", None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "where"), BAD)
def test_a_rule_that_cannot_be_used_is_refused_by_its_place(visited, api, body, kind, where):
    response = api.post(USER, body)
    refused = problem(response, response.status_code, kind)
    assert 400 <= response.status_code < 500
    assert where is None or where in {error["where"] for error in refused["errors"]}


def test_a_browser_key_makes_rules_of_public_attributes_alone(visited, api, browser):
    secret = {"boost": [{"formula": "relevance * grams"}]}
    problem(browser.post(SIMILAR, secret), 400, "invalid-filter")
    problem(browser.post(SIMILAR, {"max_per": {"colour": 1}}), 400, "invalid-filter")
    Catalog.objects.filter(pk=visited.catalog.pk).update(public_attributes=["grams"])
    assert len(items(browser.post(SIMILAR, secret | {"count": 3}))) == 3


def test_lists_are_still_ordered_by_score_where_no_rule_gives_places(visited, api):
    answer = listed(api, USER, count=8, boost=[{"when": {"colour": "blue"}, "times": 3}])
    scores = [item["score"] for item in answer["items"]]
    assert all(higher >= lower for higher, lower in pairwise(scores))
