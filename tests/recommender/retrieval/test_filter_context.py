from datetime import UTC, datetime, timedelta

import pytest

from recommender.models import Catalog
from recommender.retrieval import filters
from recommender.retrieval.filter_context import FilterContext
from tests.recommender import goods
from tests.recommender.retrieval.filtering import passing
from tests.shop import NOON, Shop, event

MONTH = {"released_at": {"within": "30d"}}


def key(shop: Shop, document: object, product: str | None = None) -> str:
    return filters.parse(document, goods.DECLARED, FilterContext(shop.catalog, product)).key


def test_a_window_ends_now(shop):
    now = datetime.now(UTC)
    shop.put(
        {"id": "today", "released_at": now},
        {"id": "last-year", "released_at": now - timedelta(days=300)},
        {"id": "tomorrow", "released_at": now + timedelta(days=1)},
    )
    assert passing(shop, MONTH) == {"today"}
    assert passing(shop, {"released_at": {"older_than": "30d"}}) == {"last-year"}


def test_a_window_of_a_past_day_ends_then(shop):
    shop.put({"id": "then", "released_at": NOON}, {"id": "later", "released_at": datetime.now(UTC)})
    assert passing(shop, MONTH, as_of=NOON + timedelta(days=3)) == {"then"}


def test_a_window_of_a_catalog_of_past_data_ends_with_its_last_event(shop):
    shop.put({"id": "then", "released_at": NOON}, {"id": "now", "released_at": datetime.now(UTC)})
    shop.post(event("u1", "then"))
    shop.catalog.clock = Catalog.Clock.LAST_EVENT
    assert passing(shop, MONTH) == {"then"}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"price": {"lt": {"product": "price"}}}, {"mug-red", "lamp-red", "spade-red",
                                                   "puzzle-red"}),
        ({"price": {"lte": {"product": "price", "times": 1.2, "plus": -8}}},
         {"mug-red", "lamp-red", "spade-red", "puzzle-red"}),
        ({"brand": {"product": "brand"}, "colour": {"product": "colour"}}, {"mug-green"}),
        ({"tags": {"contains_all": {"product": "tags"}}}, {"mug-green", "mug-white", "mug-yellow"}),
        ({"title": {"text": {"product": "colour"}}}, {f"{k}-green" for k in goods.KINDS}),
        ({"category": {"under": {"product": "category"}}, "price": 10}, {"mug-red"}),
    ],
)  # fmt: skip
def test_a_condition_compares_with_the_product_that_is_asked_about(shelved, document, expected):
    assert passing(shelved, document, product="mug-green") == expected


def test_what_the_product_has_is_read_once(shelved, django_assert_num_queries):
    context = FilterContext(shelved.catalog, "mug-green")
    document = {"brand": {"product": "brand"}, "price": {"lte": {"product": "price"}}}
    with django_assert_num_queries(1):
        filters.parse(document, goods.DECLARED, context)


def test_a_product_may_have_a_huge_number(shelved):
    shelved.put({"id": "heavy", "attributes": {"grams": 1e30}})
    document = {"grams": {"product": "grams"}}
    assert passing(shelved, document, product="heavy") == {"heavy"}


@pytest.mark.parametrize("product", ["bare", "unknown"])
def test_of_a_product_without_the_value_a_condition_passes_nothing_and_says_so(shelved, product):
    shelved.put({"id": "bare"})
    document = {"any": [{"price": {"lte": {"product": "price"}}}, {"colour": {"product": "brand"}}]}
    parsed = filters.parse(document, goods.DECLARED, FilterContext(shelved.catalog, product))
    assert parsed.degraded == {
        "filter.any[0].price.lte": "product_without_value",
        "filter.any[1].colour.eq": "product_without_value",
    }
    assert passing(shelved, document, product=product) == set()
    other = {"brand": {"ne": {"product": "brand"}}}
    assert len(passing(shelved, other, product=product)) == 25


def test_filters_that_stand_for_the_same_have_one_key_and_others_another(shelved):
    like = {"price": {"lte": {"product": "price"}}}
    assert key(shelved, like, "mug-red") == key(shelved, like, "lamp-red")
    assert key(shelved, like, "mug-red") != key(shelved, like, "mug-green")
    then = FilterContext(shelved.catalog, as_of=NOON)
    assert filters.parse(MONTH, {}, then).key != key(shelved, MONTH)
