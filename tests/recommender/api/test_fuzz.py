"""Whatever is sent, the service answers and never breaks."""

from typing import Any

import orjson
import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recommender import goods

# orjson writes no lone surrogates; test_codec sends those by hand.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 1e-320, 1e308, 2**63, -0.0])
)
scalars = st.none() | st.booleans() | numbers | text
json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)

PRODUCT = [
    *("id", "title", "description", "category", "brand", "price", "currency", "in_stock"),
    *("image_urls", "video_urls", "attributes", "released_at"),
]
EVENT = ["id", "type", "user", "product", "at", "quantity", "value", "rec_id"]
ASK = ["count", "filter", "fields", "exclude", "as_of", "explain"]
FIELDS = ["id", "title", "category", "price", "in_stock", "released_at", *goods.DECLARED]
OPERATORS = [
    *("eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "exists", "under"),
    *("contains", "contains_any", "contains_all"),
]
# Now and then a value that is right, so that what comes after the first check is reached, too.
right = st.sampled_from(
    [
        *(
            "mug-red",
            "u1",
            "view",
            "2024-01-01T00:00:00Z",
            "0001-01-01T00:00:00-14:00",
            "EUR",
            "a/b",
        ),
        *(1, 24, 0.1, True, ["title"], ["seen"], ["a"], {"colour": "red"}, {"price": {"lt": 20}}),
        *({"grams": 1e30, "new": -1e308}, {"tags": ["a", "b"]}, ["https://shop.example/a.jpg"]),
    ]
)
conditions = st.dictionaries(
    st.sampled_from(FIELDS),
    st.dictionaries(st.sampled_from(OPERATORS), json | right, max_size=2) | json | right,
    max_size=2,
)
filters = st.recursive(
    conditions,
    lambda inner: (
        st.dictionaries(st.sampled_from(["all", "any"]), st.lists(inner, max_size=2), max_size=2)
        | st.dictionaries(st.just("not"), inner, max_size=1)
    ),
    max_leaves=4,
)


def members(names: list[str]) -> st.SearchStrategy[Any]:
    """An object of some of these members, or any JSON at all."""
    known = st.dictionaries(st.sampled_from(names), json | right, max_size=6)
    return known | st.tuples(known, st.dictionaries(text, json, max_size=1)).map(
        lambda pair: pair[0] | pair[1]
    )


def rows(row: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return row | st.lists(row | json, max_size=4)


asks = members(ASK) | st.builds(
    lambda ask, document: {**ask, "filter": document},
    st.dictionaries(st.sampled_from(ASK), right, max_size=2),
    filters,
)
events = st.builds(
    lambda change: {"type": "view", "user": "u1", "product": "mug-red"} | change,
    st.dictionaries(st.sampled_from(EVENT), json | right, max_size=3),
)


@pytest.mark.parametrize(
    ("method", "path", "bodies"),
    [
        ("PUT", "/v1/products/mug-red", members(PRODUCT) | json),
        ("PATCH", "/v1/products/mug-red", members(PRODUCT) | json),
        ("POST", "/v1/products/bulk", rows(members(PRODUCT)) | json),
        (
            "POST",
            "/v1/products/sync",
            st.fixed_dictionaries({"token": text | right, "products": rows(members(PRODUCT))})
            | json,
        ),
        ("PUT", "/v1/users/u1", st.fixed_dictionaries({"attributes": json}) | json),
        ("POST", "/v1/events", rows(events | members(EVENT)) | json),
        ("POST", "/v1/products/mug-red/similar", asks | json),
        ("POST", "/v1/users/u1/recommendations", asks | json),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_no_body_breaks_an_endpoint(stocked, api, method, path, bodies):
    stocked.visit("u1", "mug-blue")

    @settings(max_examples=60)
    @given(bodies)
    def check(body: Any) -> None:
        with transaction.atomic():
            response = api.send(method, path, orjson.dumps(body))
            read_again = [api.get(p) for p in ("/v1/products", "/v1/products/mug-red")]
            transaction.set_rollback(True)
        assert response.status_code < 500, response.content
        assert [answer.status_code for answer in read_again] == [200, 200]
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json"

    check()


@given(query=st.dictionaries(st.sampled_from(ASK), text | right.map(str), max_size=3))
@settings(max_examples=60)
@pytest.mark.parametrize("path", ["/v1/products/mug-red/similar", "/v1/users/u1/recommendations"])
def test_no_parameters_break_an_endpoint(stocked, api, path, query):
    assert api.get(path, **query).status_code in (200, 400)
