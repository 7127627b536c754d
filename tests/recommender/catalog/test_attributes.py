import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalog import attributes
from recommender.catalog.attributes import (
    BOOLEAN,
    GEO,
    NUMBER,
    STRING,
    STRINGS,
    TIME,
    conflict,
    infer,
)
from recommender.models import Catalog
from tests.shop import Shop

fitting = st.one_of(
    st.text(max_size=9),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.lists(st.text(max_size=9), max_size=3),
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("red", STRING),
        ("", STRING),
        (3, NUMBER),
        (2.5, NUMBER),
        (True, BOOLEAN),
        (["a", "b"], STRINGS),
        ([], STRINGS),
        (None, None),
        ("2026-01-22T10:00:00Z", TIME),
        ("2026-01-22T10:00+01:00", TIME),
        ("2026-02-30T10:00:00Z", STRING),
        ("2026-01-22", STRING),
        ("20260122", STRING),
        ({"lat": 52.5, "lon": 13}, GEO),
        ({"lat": -90, "lon": 180}, GEO),
        ({"lat": 91, "lon": 0}, None),
        ({"lat": 0, "lon": True}, None),
        ({"lat": "52.5", "lon": 13}, None),
        ({"lat": 1, "lon": 1, "alt": 1}, None),
        ({"a": 1}, None),
        (["a", 1], None),
    ],
)
def test_the_type_of_a_value(value: object, kind: str | None) -> None:
    assert infer(value) == kind


@given(st.dictionaries(st.text(max_size=5), fitting | st.none(), max_size=5))
def test_values_never_conflict_with_the_types_inferred_from_them(values: dict[str, object]) -> None:
    assert conflict(values, attributes.inferred(values)) is None


def test_a_value_of_another_type_conflicts_and_a_missing_one_does_not() -> None:
    declared = {"colour": STRING, "ml": NUMBER}

    assert conflict({"ml": "350"}, declared) == "attribute 'ml' is declared as number, not string"
    assert conflict({"colour": None}, declared) is None
    assert conflict({"new": 1}, declared) is None


def test_a_value_that_no_attribute_holds_conflicts() -> None:
    assert conflict({"size": {"w": 1}}, {}) == (
        "attribute 'size' is neither a string, a number, a boolean, a list of strings "
        'nor a place {"lat": 52.5, "lon": 13.4}'
    )


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("2026-01-22", True),
        ("2026-01-22 10:00", True),
        ("2026-01-22T10:00:00.123456-05:00", True),
        ("soon", False),
        ("2026-13-01", False),
        ("2026-01-22T10:00:00+23:00", False),
        ("0001-01-01T00:00:00+01:00", False),
        (20260122, False),
    ],
)
def test_an_attribute_of_times_takes_times_alone(value: object, fits: bool) -> None:
    assert (conflict({"at": value}, {"at": TIME}) is None) is fits


def test_an_attribute_of_texts_takes_times_too() -> None:
    assert conflict({"at": "2026-01-22T10:00:00Z"}, {"at": STRING}) is None


def test_what_is_declared_is_remembered_here_and_in_the_table(shop: Shop) -> None:
    attributes.declare(shop.catalog, {"colour": STRING})
    attributes.declare(shop.catalog, {"ml": NUMBER})

    expected = {"colour": STRING, "ml": NUMBER}
    assert shop.catalog.attributes == expected
    assert Catalog.objects.get().attributes == expected


def test_what_is_declared_keeps_its_type(shop: Shop) -> None:
    attributes.declare(shop.catalog, {"colour": STRING})
    attributes.declare(shop.catalog, {"colour": NUMBER, "ml": NUMBER})

    assert Catalog.objects.get().attributes == {"colour": STRING, "ml": NUMBER}


def test_who_declares_second_learns_the_type_that_was_first(shop: Shop) -> None:
    """Two processes meet a new attribute; each has its own copy of the catalog's row."""
    second = Catalog.objects.get()
    attributes.declare(shop.catalog, {"colour": STRING})

    attributes.declare(second, {"colour": NUMBER})

    assert second.attributes == {"colour": STRING}


def test_nothing_new_is_no_query(shop: Shop, django_assert_num_queries: object) -> None:
    attributes.declare(shop.catalog, {"colour": STRING})

    with django_assert_num_queries(0):
        attributes.declare(shop.catalog, {"colour": STRING})
        attributes.declare(shop.catalog, {})
