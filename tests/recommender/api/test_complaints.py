"""What users of other systems complain about, as far as the API answers for it.

Each test has the number that the complaint has in the list that the project began with.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.history import popularity
from recommender.models import Event, Product
from tests.recommender import goods
from tests.recommender.api.client import items, problem
from tests.shop import NOON, Shop, event

USER = "/v1/users/u1/recommendations"
SIMILAR = "/v1/products/mug-red/similar"


@pytest.fixture
def visited(stocked: Shop) -> Shop:
    stocked.visit("u1", "mug-red", "mug-green", "lamp-red")
    stocked.visit("u2", "puzzle-red", "spade-red")
    return stocked


def kinds(names: list[str]) -> set[str]:
    return {name.split("-")[0] for name in names}


def test_1_a_selective_filter_is_full(visited, api):
    few = {"filter": {"all": [{"colour": "yellow"}, {"price": {"gte": 10}}]}, "count": 4}
    assert kinds(items(api.post(SIMILAR, few))) == set(goods.KINDS)


def test_16_pages_are_read_by_cursor(visited, api):
    read, cursor = [], None
    while True:
        page = api.get("/v1/products", limit=7, **({"cursor": cursor} if cursor else {})).json()
        read += [one["id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(read) == sorted(product["id"] for product in goods.goods())


def test_17_a_new_product_has_neighbours_as_soon_as_it_is_embedded(visited, api):
    visited.put(goods.goods()[0] | {"id": "mug-pink", "title": "Pink mug"})
    assert kinds(items(api.get("/v1/products/mug-pink/similar", count=3))) == {"mug"}
    visited.embed()
    assert "mug-pink" in items(api.get(SIMILAR, count=6))


def test_18_and_29_one_view_makes_the_list_personal(visited, api):
    assert api.get("/v1/users/new/recommendations").json()["fallback"] is not None
    assert api.post("/v1/events", {"type": "view", "user": "new", "product": "lamp-blue"})
    answer = api.get("/v1/users/new/recommendations", count=3).json()
    assert answer["fallback"] is None
    assert answer["items"][0]["why"]["because"] == ["lamp-blue"]


def test_19_two_users_get_two_lists(visited, api):
    first, second = (f"/v1/users/{user}/recommendations" for user in ("u1", "u2"))
    assert set(items(api.get(first, count=4))) != set(items(api.get(second, count=4)))


def test_20_and_30_what_was_had_does_not_come_back(visited, api):
    assert not {"mug-red", "mug-green", "lamp-red"} & set(items(api.get(USER, count=24)))


@pytest.mark.parametrize("address", [USER, SIMILAR, "/v1/recommendations", "/v1/batch"])
def test_21_a_filter_is_never_ignored(visited, api, address):
    body = {"filter": {"colr": "red"}}
    if address == "/v1/batch":
        body = {"requests": [{"operation": "popular", **body}]}
        (part,) = api.post(address, body).json()["answers"]
        assert part["status"] == 400
        return
    problem(api.post(address, body), 400, "invalid-filter")


def test_25_unknown_seeds_are_told_and_the_others_count(visited, api):
    answer = api.post("/v1/recommendations", {"products": ["gone", "mug-red"], "count": 3}).json()
    assert answer["missing_ids"] == ["gone"]
    assert answer["items"][0]["id"].startswith("mug-")


def test_27_an_answer_tells_which_rank_made_it(visited, api):
    stages = api.get(USER, trace="true").json()["trace"]
    assert any("ranker" in stage["notes"] for stage in stages)


def test_28_why_not_is_answered_for_any_product(visited, api):
    answer = api.get("/v1/explain", user="u1", product="mug-red").json()
    assert answer["stage"] == "excluded"
    assert answer["had"]["type"] == "view"


@pytest.mark.parametrize("count", [1, 7, 23, 24])
def test_31_any_length_is_full_under_a_filter(visited, api, count):
    wanted = {"filter": {"grams": {"gte": 100}}, "count": count, "exclude": []}
    assert len(items(api.post(USER, wanted))) == count


def test_35_values_are_counted(visited, api):
    answer = api.post("/v1/search", {"q": "red", "facets": ["brand"]}).json()
    (brands,) = answer["facets"]["fields"]
    assert {one["value"]: one["count"] for one in brands["buckets"]} == {
        f"{kind.capitalize()} Works": 1 for kind in goods.KINDS
    }


def test_36_one_result_of_each_family(visited, api):
    listed = items(api.post(USER, {"count": 4, "max_per": {"brand": 1}}))
    assert len(kinds(listed)) == len(listed) == 4


def test_37_and_44_weights_pull_and_push(visited, api):
    liked = {"products": ["mug-red", {"id": "lamp-red", "weight": -3}], "count": 12}
    listed = items(api.post("/v1/search", liked))
    assert kinds(listed[:5]) == {"mug"}
    assert "lamp" not in kinds(listed[:8])


def test_41_an_event_changes_the_next_answer(visited, api):
    before = items(api.get(USER, count=5))
    for product in ("puzzle-blue", "puzzle-green", "puzzle-white"):
        api.post("/v1/events", {"type": "purchase", "user": "u1", "product": product})
    after = items(api.get(USER, count=5))
    assert "puzzle" in kinds(after)
    assert after != before


def test_42_what_is_popular_takes_a_filter(visited, api):
    popularity.refresh(visited.catalog)
    response = api.get("/v1/popular", filter='{"category": {"under": "Toys"}}', count=3)
    assert items(response) == ["puzzle-red"]


def test_45_and_46_the_last_rating_counts_and_one_without_a_value_is_refused(visited, api):
    for minute, value in enumerate((5.0, 0.5)):
        at = (timezone.now() - timedelta(minutes=9 - minute)).isoformat()
        rating = {"type": "rating", "user": "u3", "product": "mug-red", "value": value, "at": at}
        assert api.post("/v1/events", rating).json()["accepted"] == 1
    asked = api.get("/v1/users/u3/recommendations", count=24, exclude="none").json()
    assert all("mug-red" not in item["why"]["because"] for item in asked["items"])
    none = {"type": "rating", "user": "u3", "product": "mug-red"}
    problem(api.post("/v1/events", none), 400)


@pytest.mark.parametrize("name", ["a/b", "100%", "007", "a b", "ü?&=#", "../x"])
def test_47_any_id_is_an_id(visited, api, name):
    visited.put(goods.goods()[0] | {"id": name})
    listed = items(api.post("/v1/recommendations", {"products": ["mug-red", name], "count": 2}))
    assert name not in listed
    assert len(listed) == 2


def test_48_one_nul_loses_its_row_alone(visited, api):
    rows = [{"id": "n-1", "title": "Mug"}, {"id": "n-2", "title": "M\x00ug"}]
    answer = api.post("/v1/products/bulk", rows).json()
    assert (answer["added"], answer["rejected"]) == (1, 1)
    assert Product.objects.filter(external_id="n-1").exists()


def test_50_what_left_the_shop_is_listed_no_more(visited, api):
    assert api.delete("/v1/products/mug-blue").status_code == 204
    for response in (api.get(SIMILAR, count=24), api.get(USER, count=24), api.get("/v1/popular")):
        assert "mug-blue" not in items(response)


def test_nothing_that_was_sent_is_lost_by_a_repeat(visited, api):
    """38, and acknowledged writes: the same event twice is one."""
    row = {"id": "e-1", "type": "view", "user": "u9", "product": "mug-red", "at": NOON.isoformat()}
    assert api.post("/v1/events", row).json()["accepted"] == 1
    assert api.post("/v1/events", row).json()["duplicate"] == 1
    assert Event.objects.filter(user__external_id="u9").count() == 1
    assert visited.post(event("u9", "mug-red", id="e-1")) == ["duplicate"]
