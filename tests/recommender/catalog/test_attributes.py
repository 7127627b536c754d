import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.catalog import attributes
from recommender.catalog.attributes import BOOLEAN, NUMBER, STRING, STRINGS, conflict, infer
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
        "attribute 'size' is neither a string, a number, a boolean nor a list of strings"
    )


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
