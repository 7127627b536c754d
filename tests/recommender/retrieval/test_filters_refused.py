"""Filters that cannot be used, and the largest that can."""

from typing import Any

import pytest

from recommender.retrieval import filters
from recommender.retrieval.filter_context import FilterContext
from recommender.retrieval.filters import FilterError
from tests.recommender import goods
from tests.recommender.retrieval.filtering import passing

REDS = {"mug-red", "lamp-red", "spade-red", "puzzle-red"}


def deep(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {"price": 1}
    for _ in range(levels):
        document = {"all": [document]}
    return document


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({}, "filter"),
        (None, "filter"),
        ([], "filter"),
        ("price", "filter"),
        ({"prize": 1}, "filter.prize"),
        ({"attributes.prize": 1}, "filter.attributes.prize"),
        ({"p.price": 1}, "filter.p.price"),
        ({"attributes": {}}, "filter.attributes"),
        ({"deleted_at": "2024-01-01"}, "filter.deleted_at"),
        ({"price": {}}, "filter.price"),
        ({"price": {"lt": 1, "near": 2}}, "filter.price"),
        ({"price": {"under": 1}}, "filter.price"),
        ({"title": {"lt": "a"}}, "filter.title"),
        ({"colour": {"lt": "a"}}, "filter.colour"),
        ({"tags": {"eq": "a"}}, "filter.tags"),
        ({"fragile": {"lt": True}}, "filter.fragile"),
        ({"price": "1"}, "filter.price.eq"),
        ({"price": True}, "filter.price.eq"),
        ({"price": None}, "filter.price.eq"),
        ({"price": {"lt": float("inf")}}, "filter.price.lt"),
        ({"price": {"lt": [1]}}, "filter.price.lt"),
        ({"title": 1}, "filter.title.eq"),
        ({"title": "a\x00b"}, "filter.title.eq"),
        ({"in_stock": 1}, "filter.in_stock.eq"),
        ({"in_stock": "true"}, "filter.in_stock.eq"),
        ({"released_at": 20240101}, "filter.released_at.eq"),
        ({"released_at": "tomorrow"}, "filter.released_at.eq"),
        ({"colour": 1}, "filter.colour.eq"),
        ({"colour": "a\x00b"}, "filter.colour.eq"),
        ({"grams": "1"}, "filter.grams.eq"),
        ({"fragile": "yes"}, "filter.fragile.eq"),
        ({"tags": 1}, "filter.tags.contains"),
        ({"tags": ["a", 1]}, "filter.tags.contains_any[1]"),
        ({"price": {"exists": 1}}, "filter.price.exists"),
        ({"grams": {"exists": None}}, "filter.grams.exists"),
        ({"price": {"in": []}}, "filter.price.in"),
        ({"price": {"in": 1}}, "filter.price.in"),
        ({"price": {"in": [1, "2"]}}, "filter.price.in[1]"),
        ({"colour": {"not_in": ["red", None]}}, "filter.colour.not_in[1]"),
        ({"id": ["x"] * 1001}, "filter.id.in"),
        ({"tags": ["x"] * 1001}, "filter.tags.contains_any"),
        ({"category": {"under": "/"}}, "filter.category.under"),
        ({"category": {"under": []}}, "filter.category.under"),
        ({"category": {"under": ["Home", 1]}}, "filter.category.under[1]"),
        ({"title": {"text": " "}}, "filter.title.text"),
        ({"title": {"text": ["red"]}}, "filter.title.text"),
        ({"id": {"text": "red"}}, "filter.id"),
        ({"description": "red"}, "filter.description"),
        ({"brand": {"prefix": ""}}, "filter.brand.prefix"),
        ({"price": {"prefix": "1"}}, "filter.price"),
        ({"released_at": {"within": 30}}, "filter.released_at.within"),
        ({"released_at": {"within": "30"}}, "filter.released_at.within"),
        ({"released_at": {"older_than": "0d"}}, "filter.released_at.older_than"),
        ({"released_at": {"older_than": "999999y"}}, "filter.released_at.older_than"),
        ({"price": {"within": "30d"}}, "filter.price"),
        ({"place": {"lat": 1, "lon": 1}}, "filter.place"),
        ({"place": {"near": {"lat": 1, "lon": 1}}}, "filter.place.near"),
        ({"place": {"near": {"lat": 91, "lon": 1, "within": "1km"}}}, "filter.place.near"),
        ({"place": {"near": {"lat": 1, "lon": 1, "within": "1"}}}, "filter.place.near.within"),
        ({"place": {"near": {"lat": 1, "lon": 1, "within": -1}}}, "filter.place.near.within"),
        ({"place": {"near": {"lat": 1, "lon": 1, "within": 1e9}}}, "filter.place.near.within"),
        ({"price": {"lte": {"product": "prize"}}}, "filter.price.lte.product"),
        ({"price": {"lte": {"product": 1}}}, "filter.price.lte.product"),
        ({"price": {"lte": {"product": "brand"}}}, "filter.price.lte.product"),
        ({"price": {"lte": {"product": "price", "times": "2"}}}, "filter.price.lte.times"),
        ({"price": {"lte": {"product": "price", "plus": True}}}, "filter.price.lte.plus"),
        (
            {"price": {"lte": {"product": "price", "times": 1e308, "plus": 1e308}}},
            "filter.price.lte",
        ),
        ({"price": {"lte": {"product": "price", "minus": 1}}}, "filter.price.lte"),
        ({"brand": {"product": "brand", "times": 2}}, "filter.brand.eq"),
        ({"released_at": {"within": {"product": "released_at"}}}, "filter.released_at.within"),
        ({"category": {"under": 1}}, "filter.category.under"),
        ({"all": []}, "filter.all"),
        ({"all": {"price": 1}}, "filter.all"),
        ({"any": "x"}, "filter.any"),
        ({"any": [{"price": 1}, 1]}, "filter.any[1]"),
        ({"any": [{"price": 1}, {}]}, "filter.any[1]"),
        ({"not": []}, "filter.not"),
        ({"not": {"any": [{"prize": 1}]}}, "filter.not.any[0].prize"),
        (deep(9), "filter" + ".all[0]" * 9),
        ({"any": [{"price": 1}] * 101}, "filter.any[100].price"),
        ({"any": [{"price": {"exists": True}}] * 101}, "filter.any[100].price"),
        ({"any": [{"id": ["x"] * 500}] * 3}, "filter.any[2].id.in"),
        (
            {"any": [{"colour": ["x"] * 999}, {"price": 1}, {"not": {"title": "x"}}]},
            "filter.any[2].not.title.eq",
        ),
        ({"released_at": "0001-01-01T00:00:00+23:59"}, "filter.released_at.eq"),
        ({"created_at": {"in": ["9999-12-31T23:59:59-12:00"]}}, "filter.created_at.in[0]"),
    ],
)
def test_a_filter_that_cannot_be_used_is_an_error_that_says_where(shelved, document, where):
    kinds = goods.DECLARED | {"place": "geo"}
    with pytest.raises(FilterError) as caught:
        filters.parse(document, kinds, FilterContext(shelved.catalog, "mug-green"))
    assert caught.value.where == where
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("product", [None, "mug-red"])
def test_what_needs_a_product_or_a_catalog_is_refused_without_one(shelved, product):
    context = FilterContext(shelved.catalog) if product is None else None
    with pytest.raises(FilterError, match="no product to compare with"):
        filters.parse({"price": {"lte": {"product": "price"}}}, {}, context)
    with pytest.raises(FilterError, match="can be asked for here"):
        filters.parse({"title": {"text": "red"}}, {})


def test_the_error_for_an_unknown_field_names_what_is_near_and_stays_short():
    with pytest.raises(FilterError, match=r"'prize'. Did you mean price\?.*brand.*colour.*tags\.$"):
        filters.parse({"prize": 1}, goods.DECLARED)
    many = {f"attribute {n} {'x' * 100}": "string" for n in range(40_000)} | goods.DECLARED
    with pytest.raises(FilterError, match=r"Did you mean fragile\?.* 39,999 more attrib") as caught:
        filters.parse({"fragil": {"x" * 10_000: 1}}, many)
    assert len(str(caught.value)) < 1000
    for document in ({"x" * 10_000: 1}, {"price": {"x" * 10_000: 1}}):
        with pytest.raises(FilterError) as caught:
            filters.parse(document, many)
        assert len(str(caught.value) + caught.value.where) < 1000


def test_the_largest_filter_that_is_allowed_runs(shelved):
    assert passing(shelved, deep(8)) == set()
    assert passing(shelved, {"any": [{"grams": {"lt": n}} for n in range(100, 200)]}) == REDS
    assert passing(shelved, {"id": [f"no-{n}" for n in range(999)] + ["mug-red"]}) == {"mug-red"}
    assert passing(shelved, {"colour": [f"no-{n}" for n in range(999)] + ["red"]}) == REDS
    assert len(passing(shelved, {"tags": [f"no-{n}" for n in range(999)] + ["gift"]})) == 12


@pytest.mark.parametrize("offset", ["+23:59", "-23:59", "+16:00", "Z", ""])
def test_a_time_may_have_any_offset(shelved, offset):
    late = {"created_at": {"gt": f"2020-01-01T00:00:00{offset}"}}
    assert len(passing(shelved, late)) == 24
    assert passing(shelved, {"released_at": {"in": [f"2020-01-01T00:00:00{offset}"]}}) == set()


def test_equal_filters_have_one_key_and_others_another():
    def key(document: dict[str, Any]) -> str:
        return filters.parse(document, goods.DECLARED).key

    assert key({"price": 1, "colour": "red"}) == key({"colour": "red", "price": 1})
    assert key({"price": 1}) != key({"price": 2})
    assert len(key({"title": "x" * 100_000})) < 100
