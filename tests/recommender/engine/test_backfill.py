import pytest

from recommender.engine import backfill
from recommender.engine.answer import Item, Query
from recommender.engine.backfill import complete, fall_back, fill
from recommender.history import popularity
from recommender.retrieval import filters
from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def visited(shelved: Shop) -> Shop:
    """Two products are popular: a mug and a lamp."""
    shelved.visit("a", "mug-red", "lamp-red")
    shelved.visit("b", "mug-red")
    popularity.refresh(shelved.catalog)
    return shelved


def item(key: str, score: float) -> Item:
    return Item(key, score, "text", {"text": score})


def test_a_list_as_long_as_asked_for_is_complete(visited):
    answer = complete(visited.catalog, [item("mug-red", 0.5)], Query(count=1))
    assert (answer.complete, answer.reason) == (True, None)


@pytest.mark.parametrize(
    ("document", "excluded", "reason"),
    [
        (None, [], "24 products in stock, 23 without a vector"),
        ({"colour": "red"}, [], "filter matches 4 products, 3 without a vector"),
        ({"id": "mug-red"}, [], "filter matches 1 product"),
        ({"id": ["mug-red", "mug-blue"]}, ["mug-blue"],
         "filter matches 2 products, 1 of them excluded"),
        ({"id": "mug-red"}, ["mug-blue", "lamp-red"], "filter matches 1 product"),
    ],
)  # fmt: skip
def test_a_short_list_says_why(visited, document, excluded, reason):
    parsed = filters.parse(document, goods.DECLARED) if document else None
    answer = complete(
        visited.catalog,
        [item("mug-red", 0.5)],
        Query(count=30, filter=parsed),
        excluded=[visited.product(key).pk for key in excluded],
    )
    assert (answer.complete, answer.reason) == (False, reason)


def test_popular_products_then_new_ones_fill_a_list(visited):
    items = {"lamp-red": item("lamp-red", 0.9)}
    fill(visited.catalog, items, Query(count=4), excluded=[], filter=None)
    assert list(items)[:2] == ["lamp-red", "mug-red"]
    assert [entry.source for entry in items.values()] == ["text", "popular", "newest", "newest"]
    for entry in items.values():
        assert entry.contributions == {entry.source: entry.score}


@pytest.mark.parametrize("lowest", [0.9, 0.001, 0.0, -0.3])
def test_what_fills_a_list_never_outranks_what_was_there(visited, lowest):
    items = {"lamp-blue": item("lamp-blue", 0.95), "lamp-red": item("lamp-red", lowest)}
    fill(visited.catalog, items, Query(count=24), excluded=[], filter=None)
    scores = [entry.score for entry in items.values()]
    assert len(scores) == 24
    assert scores == sorted(scores, reverse=True)


def test_a_list_that_is_long_enough_asks_nothing(visited, django_assert_num_queries):
    items = {"lamp-red": item("lamp-red", 0.9)}
    with django_assert_num_queries(0):
        fill(visited.catalog, items, Query(count=1), excluded=[], filter=None)
    assert list(items) == ["lamp-red"]


def test_filters_are_tried_in_turn_until_the_list_is_full(visited):
    lamps, mugs = (
        filters.parse({"brand": f"{kind} Works"}, goods.DECLARED) for kind in ("Lamp", "Mug")
    )
    answer = fall_back(visited.catalog, Query(count=7), filters=[lamps, mugs])
    kinds = [entry.id.split("-")[0] for entry in answer.items]
    assert kinds == ["lamp"] * 6 + ["mug"]
    assert answer.items[0].id == "lamp-red"
    assert answer.items[6].id == "mug-red"
    assert answer.fallback == backfill.POPULAR


def test_a_fallback_leaves_out_what_is_excluded_and_carries_fields(visited):
    excluded = [visited.product("mug-red").pk]
    answer = fall_back(
        visited.catalog,
        Query(count=30, fields=("brand",)),
        excluded=excluded,
        missing_ids=("u1",),
    )
    assert len(answer.items) == 23
    assert answer.missing_ids == ("u1",)
    assert answer.reason == "24 products in stock, 1 of them excluded"
    assert answer.items[0].fields == {"brand": "Lamp Works"}
