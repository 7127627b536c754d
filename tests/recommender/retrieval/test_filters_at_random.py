"""Random filters over random products let through what plain Python says."""

from operator import mul
from typing import Any

from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recommender import goods
from tests.recommender.retrieval.filter_reference import COLUMNS, evaluate
from tests.recommender.retrieval.filtering import passing

KINDS = goods.DECLARED | {"price": "number", "all": "string", 'o"d\\d': "number", "": "boolean"}

TEXTS = ["", "red", "Red", "a", "a/b", "a/b/c", "a/bc", "a0", "ab", "%", "'", "\\", "é🫖"]
NUMBERS = [-1e30, -2.5, -1, 0, 0.1, 1, 1.0, 2, 1e30, 2**53 + 1]
PRICES = [0, 0.01, 1, 1.5, 100]
TIMES = ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2024-02-29T12:00:00", "2026-01-01"]

texts, numbers = st.sampled_from(TEXTS), st.sampled_from(NUMBERS)
prices, times = st.sampled_from(PRICES), st.sampled_from(TIMES)
VALUES = {
    "string": texts,
    "path": texts,
    "number": numbers,
    "boolean": st.booleans(),
    "time": times,
    "strings": st.lists(texts, max_size=3),
}
OPERATORS = {
    "string": ["eq", "ne", "in", "not_in"],
    "path": ["eq", "ne", "in", "not_in", "under"],
    "number": ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in"],
    "boolean": ["eq", "ne", "in", "not_in"],
    "time": ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in"],
    "strings": ["contains", "contains_any", "contains_all"],
}
LISTS = {"in", "not_in", "contains_any", "contains_all"}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """One field and what it must be."""
    name = draw(st.sampled_from([*COLUMNS, *(f"attributes.{name}" for name in KINDS)]))
    kind = COLUMNS.get(name) or KINDS[name.removeprefix("attributes.")]
    operator = draw(st.sampled_from([*OPERATORS[kind], "exists", "bare"]))
    if operator == "exists":
        return {name: {"exists": draw(st.booleans())}}
    values = {"path": texts.filter(bool)} if operator == "under" else {"strings": texts}
    one = values.get(kind, VALUES[kind])
    # Long lists are compared in another way.
    many = st.builds(mul, st.lists(one, min_size=1, max_size=3), st.sampled_from([1, 20]))
    if operator == "bare":
        return {name: draw(one | many)}
    return {name: {operator: draw(many if operator in LISTS else one)}}


documents = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.tuples(inner, conditions()).map(lambda pair: pair[0] | pair[1]),
    ),
    max_leaves=6,
)
products = st.lists(
    st.fixed_dictionaries(
        {
            "attributes": st.fixed_dictionaries(
                {}, optional={name: st.none() | VALUES[kind] for name, kind in KINDS.items()}
            )
        },
        optional={
            "title": texts,
            "brand": texts,
            "category": texts,
            "price": prices,
            "in_stock": st.booleans(),
            "released_at": times,
        },
    ),
    min_size=1,
    max_size=6,
).map(lambda rows: [{"id": (*TEXTS[1:], "other")[n], **row} for n, row in enumerate(rows)])


@settings(max_examples=200)
@given(documents, products)
def test_any_filter_passes_what_plain_python_says(shop, document, products):
    with transaction.atomic():
        shop.put(*products)
        passed = passing(shop, document, KINDS)
        transaction.set_rollback(True)
    assert passed == {product["id"] for product in products if evaluate(document, product, KINDS)}
