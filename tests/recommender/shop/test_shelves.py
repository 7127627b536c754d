import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.retrieval import filters
from recommender.shop import shelves


@given(brand=st.text(max_size=20), price=st.text(max_size=20))
def test_whatever_an_address_says_is_a_filter_or_none(brand, price):
    narrowed = shelves.narrowed(brand, price)
    assert narrowed.keys() <= {"brand", "price"}
    if narrowed and "\x00" not in brand:
        filters.parse(narrowed, {})


@pytest.mark.parametrize(
    ("price", "narrowed"),
    [
        ("10-25", {"gte": 10.0, "lt": 25.0}),
        ("-9.5", {"lt": 9.5}),
        ("100-", {"gte": 100.0}),
    ],
)
def test_a_range_of_prices_is_read(price, narrowed):
    assert shelves.narrowed("", price) == {"price": narrowed}


@pytest.mark.parametrize("price", ["", "-", "a-b", "1e9-", "²-", "9" * 20 + "-", ".-.", "1.2.3-"])
def test_what_is_no_range_narrows_nothing(price):
    assert shelves.narrowed("", price) == {}


def test_ranges_are_written_as_they_are_read():
    ends = [(None, 5.0), (5.0, 12.5), (12.5, 2_000_000.0), (2_000_000.0, None)]
    buckets = [{"lower": low, "upper": high, "count": 1} for low, high in ends]
    for choice, (low, high) in zip(shelves.prices(buckets, "5-12.5"), ends, strict=True):
        given_ends = shelves.narrowed("", choice.value)["price"]
        assert (given_ends.get("gte"), given_ends.get("lt")) == (low, high)
        assert choice.is_chosen == (low == 5.0)


def test_top_categories_are_read_once_a_minute(shown, django_assert_num_queries):
    assert shelves.top(shown.catalog) == ("Garden", "Home", "Toys")
    with django_assert_num_queries(0):
        shelves.top(shown.catalog)
