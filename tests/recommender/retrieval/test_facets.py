"""What facets count is what plain Python counts."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from recommender.retrieval import facets, matches, product_fields
from recommender.retrieval.facets import Bucket, Facet, FacetAsked, Facets
from recommender.retrieval.matches import Matches
from tests.recommender import goods
from tests.shop import Shop

KINDS = goods.DECLARED | {"weight": "number"}


def all_of(shop: Shop) -> Matches:
    keys = shop.catalog.products.values_list("pk", flat=True)
    return matches.of(shop.catalog, [], has_all=False, given=list(keys), filter=None)


def counted(shop: Shop, *names: str, **ends: tuple[float, ...]) -> Facets:
    asked = []
    for name in names:
        field = product_fields.find(name, KINDS)
        assert field is not None
        asked.append(FacetAsked(name, field, ends.get(name, ())))
    return facets.count(all_of(shop), asked)


def values(facet: Facet) -> dict[Any, int]:
    return {bucket.value: bucket.count for bucket in facet.buckets}


def test_values_are_counted_the_commonest_first_and_products_without_one(shelved):
    shelved.put({"id": "bare"}, {"id": "gone", "brand": "Mug Works", "in_stock": False})
    found = counted(shelved, "brand", "colour", "fragile", "tags", "in_stock")
    assert (found.products, found.is_complete) == (25, True)
    brand, colour, fragile, tags, stock = found.facets
    assert values(brand) == {f"{kind.capitalize()} Works": 6 for kind in goods.KINDS}
    assert (brand.missing, brand.has_more) == (1, False)
    assert values(colour) == dict.fromkeys(sorted(goods.COLOURS), 4)
    assert values(fragile) == {False: 12, True: 12}
    assert next(iter(values(tags).items())) == ("gift", 12)
    assert (values(stock), stock.missing) == ({True: 25}, 0)


def test_of_very_many_values_the_commonest_are_told(shop):
    shop.put(*({"id": f"p{n}-{m}", "brand": f"b{n:02}"} for n in range(25) for m in range(n + 1)))
    facet = counted(shop, "brand").facets[0]
    assert list(values(facet)) == [f"b{n:02}" for n in range(24, 4, -1)]
    assert facet.has_more


def test_categories_are_counted_at_every_level(shelved):
    facet = counted(shelved, "category").facets[0]
    assert list(values(facet).items()) == [
        ("Home", 12), ("Garden", 6), ("Toys", 6),
        ("Garden/Tools", 6), ("Home/Kitchen", 6), ("Home/Light", 6), ("Toys/Puzzles", 6),
        ("Home/Kitchen/Mugs", 6), ("Home/Light/Lamps", 6),
    ]  # fmt: skip


def test_ranges_that_are_given_are_counted_with_what_is_outside(shelved):
    facet = counted(shelved, "price", price=(15, 30)).facets[0]
    assert facet.buckets == (
        Bucket(4, upper=15), Bucket(12, lower=15, upper=30), Bucket(8, lower=30),
    )  # fmt: skip


def test_ranges_are_round_and_hold_about_equally_many(shop):
    shop.put(*({"id": f"p{n}", "price": round(1.017**n, 2)} for n in range(400)))
    facet = counted(shop, "price").facets[0]
    assert [bucket.upper for bucket in facet.buckets] == [5.0, 10.0, 50.0, 100.0, 200.0, None]
    assert all(20 <= bucket.count <= 130 for bucket in facet.buckets)


numbers = st.one_of(
    st.sampled_from([0, 0.29, 0.3, 1, 10, 99.99, 100, -5, -0.01, 1e12]),
    st.integers(-1000, 1000).map(lambda n: n / 100),
)


@given(st.lists(numbers, min_size=1, max_size=30))
def test_ranges_count_what_lies_in_them(shop, numbers):
    with transaction.atomic():
        shop.put(*({"id": f"p{n}", "attributes": {"weight": w}} for n, w in enumerate(numbers)))
        facet = counted(shop, "weight").facets[0]
        transaction.set_rollback(True)
    assert sum(bucket.count for bucket in facet.buckets) == len(numbers)
    for bucket in facet.buckets:
        inside = [
            number
            for number in numbers
            if (bucket.lower is None or number >= bucket.lower)
            and (bucket.upper is None or number < bucket.upper)
        ]
        assert bucket.count == len(inside)
    for before, after in pairwise(facet.buckets):
        assert before.upper is not None
        assert after.lower is not None
        assert before.upper <= after.lower


def test_all_facets_take_one_statement(shelved, django_assert_num_queries):
    everything = all_of(shelved)
    fields = [FacetAsked(name, product_fields.find(name, KINDS))
              for name in ("brand", "price", "category", "tags")]  # fmt: skip
    with django_assert_num_queries(1):
        facets.count(everything, fields)


def test_no_more_products_are_counted_than_so_many(shelved, monkeypatch):
    monkeypatch.setattr(matches, "MOST", 10)
    found = counted(shelved, "brand")
    assert (found.products, found.is_complete) == (10, False)
    assert Counter(values(found.facets[0])).total() == 10


@pytest.mark.parametrize("kind", ["number", "boolean", "strings", "string"])
def test_an_attribute_that_is_of_another_type_than_declared_is_none(shop, kind):
    shop.put({"id": "a", "attributes": {"x": {"lat": 1, "lon": 1}}}, {"id": "b"})
    field = product_fields.find("x", {"x": kind})
    assert field is not None
    facet = facets.count(all_of(shop), [FacetAsked("x", field)]).facets[0]
    assert facet.missing == (1 if kind == "string" else 2)
