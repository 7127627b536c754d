"""Random filters over random products let through what plain Python says."""

from operator import mul
from typing import Any

from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.models import Catalog
from tests.recommender import goods
from tests.recommender.retrieval.filter_reference import COLUMNS, NOW, evaluate
from tests.recommender.retrieval.filtering import passing

KINDS = goods.DECLARED | {
    "price": "number", "all": "string", 'o"d\\d': "number", "": "boolean", "at": "time",
    "place": "geo",
}  # fmt: skip

TEXTS = ["", "red", "Red", "a", "a/b", "a/b/c", "a/bc", "a0", "ab", "%", "'", "\\", "é🫖"]
NUMBERS = [-1e30, -2.5, -1, 0, 0.1, 1, 1.0, 2, 1e30, 2**53 + 1]
PRICES = [0, 0.01, 1, 1.5, 100]
TIMES = ["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2024-02-29T12:00:00", "2026-01-01"]

PLACES = [
    {"lat": 52.5, "lon": 13.4},
    {"lat": 52.6, "lon": 13.4},
    {"lat": -33.9, "lon": 151.2},
    {"lat": 0, "lon": 180},
    {"lat": 0.01, "lon": -180},
    {"lat": 90, "lon": 0},
]

texts, numbers = st.sampled_from(TEXTS), st.sampled_from(NUMBERS)
prices, times = st.sampled_from(PRICES), st.sampled_from(TIMES)
VALUES = {
    "string": texts,
    "path": texts,
    "number": numbers,
    "boolean": st.booleans(),
    "time": times,
    "strings": st.lists(texts, max_size=3),
    "geo": st.sampled_from(PLACES),
}
spans = st.sampled_from(["1d", "200d", "2000d"])
distances = st.sampled_from(["500m", "20km", "9000km", "20037km"])
phrases = st.sampled_from(["red", "RED ab", "ab"])
OPERATORS = {
    "string": ["eq", "ne", "in", "not_in", "prefix", "text"],
    "path": ["eq", "ne", "in", "not_in", "under", "prefix", "text"],
    "number": ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in"],
    "boolean": ["eq", "ne", "in", "not_in"],
    "time": ["eq", "ne", "lt", "lte", "gt", "gte", "in", "not_in", "within", "older_than"],
    "strings": ["contains", "contains_any", "contains_all", "text"],
    "geo": ["near"],
}
# Operators whose operand is no value of the field.
OPERANDS = {
    "under": texts.filter(bool) | st.lists(texts.filter(bool), min_size=1, max_size=3),
    "prefix": texts.filter(bool),
    "text": phrases,
    "within": spans,
    "older_than": spans,
    "near": st.builds(
        lambda place, distance: place | {"within": distance}, st.sampled_from(PLACES), distances
    ),
}
NAMES = [*COLUMNS, *(f"attributes.{name}" for name in KINDS)]
LISTS = {"in", "not_in", "contains_any", "contains_all"}


def _kind(name: str) -> str:
    return COLUMNS.get(name) or KINDS[name.removeprefix("attributes.")]


@st.composite
def relative(draw: st.DrawFn, kind: str, operator: str) -> dict[str, Any]:
    """An operand that is a field of the product that is asked about."""
    fitting = {"strings": {"string", "path"}, "string": {"string", "path"}, "path": {"string"}}
    kinds = fitting.get(kind, {kind}) | ({"strings"} if operator in LISTS - {"in"} else set())
    kinds = kinds if kind in {"strings", "string", "path"} else {kind}
    name = draw(st.sampled_from([one for one in NAMES if _kind(one) in kinds]))
    if kind == "geo":
        return {"product": name, "within": draw(distances)}
    if kind == "number" and draw(st.booleans()):
        return {"product": name, "times": draw(st.sampled_from([-1, 1, 2])), "plus": 1}
    return {"product": name}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """One field and what it must be."""
    name = draw(st.sampled_from(NAMES))
    kind = _kind(name)
    bare = ["bare"] if kind != "geo" else []
    operators = [one for one in OPERATORS[kind] if (name, one) != ("id", "text")]
    operator = draw(st.sampled_from([*operators, "exists", *bare]))
    if operator == "exists":
        return {name: {"exists": draw(st.booleans())}}
    if operator not in {"bare", "text", "prefix", "under", "within", "older_than"} and draw(
        st.booleans()
    ):
        return {name: {operator: draw(relative(kind, operator))}}
    if operator in OPERANDS:
        return {name: {operator: draw(OPERANDS[operator])}}
    one = texts if kind == "strings" else VALUES[kind]
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


@settings(max_examples=250)
@given(documents, products)
def test_any_filter_passes_what_plain_python_says(shop, document, products):
    with transaction.atomic():
        # Words as they are, for Python knows no stems.
        Catalog.objects.update(search_language="simple")
        shop.put(*products)
        passed = passing(shop, document, KINDS, product=products[0]["id"], as_of=NOW)
        transaction.set_rollback(True)
    assert passed == {
        product["id"] for product in products if evaluate(document, product, KINDS, products[0])
    }
