"""Examples of the calls that answer with lists of products."""

from collections.abc import Mapping
from typing import Any

from recommender.api import problems
from recommender.api.documentation import Call
from recommender.api.example_errors import (
    ANY,
    FILTER,
    NEEDS_TOKEN,
    NO_TOKEN,
    NOT_JSON,
    OTHER_USER,
    PARAMETER,
    PRODUCT_ID,
    SERVER,
    TOO_LARGE,
    TOO_MANY,
    UNKNOWN_ANSWER,
    USER_ID,
    invalid,
    unknown,
    unknown_answer,
)
from recommender.api.problems import Problem

_AT = "2026-01-22T10:00:00Z"
# Of one pixel.
_PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

_PRODUCT_PATH = {"product_id": PRODUCT_ID}
_USER_PATH = {"user_id": USER_ID}
_REQUEST = {
    "count": 3,
    "fields": ["title", "price"],
    "filter": {"all": [{"price": {"lte": 30}}, {"category": {"under": "Food & Drink"}}]},
    "explain": True,
}


def _listed(code: str, text: str, because: str | None) -> dict[str, Any]:
    """An answer of one product."""
    contributions = {"text": 0.72}
    return {
        "rec_id": "fb85ad50-f867-4c65-9923-c62349ecda35",
        "spaces": ["text@1"],
        "complete": True,
        "reason": None,
        "missing_ids": [],
        "fallback": None,
        "degraded": {},
        "items": [
            {
                "id": "foo-004",
                "rank": 1,
                "score": 0.72,
                "fields": {"title": "Colombia Huila washed, medium roast, 500 g", "price": 18.5},
                "why": {
                    "code": code,
                    "source": "text",
                    "because": [because] if because else [],
                    "interest": None,
                    "contributions": contributions,
                    "channel": "text",
                    "parts": contributions,
                    "text": text,
                },
            }
        ],
    }


_LIST = {
    "count": 3,
    "filter": '{"price": {"lte": 30}}',
    "fields": "title,price",
    "exclude": "seen",
    "as_of": _AT,
    "explain": True,
    "trace": True,
    "timeout_ms": 500,
    "boost": '[{"when": {"brand": "Foo Roasters"}, "times": 1.3}]',
    "promote": '{"share": 0.2, "filter": {"in_stock": true}}',
    "max_per": '{"brand": 2}',
    "rotation": '{"rate": 0.4, "recover": "2h"}',
    "diversity": "0.3",
    "exploration": 0.1,
    "min_relevance": 0.05,
    "exclude_ids": "foo-009",
    "repeats": True,
}
# A list by every rule there is.
_RULED = {
    "count": 3,
    "boost": [
        {"when": {"brand": "Foo Roasters"}, "times": 1.3},
        {"decay": "released_at", "half_life": "90d", "weight": 0.5},
        {"formula": "relevance * (1 + 1 / (10 + price))"},
    ],
    "promote": {"share": 0.2, "filter": {"price": {"lte": 20}}},
    "diversity": {"weight": 0.3, "by": ["brand", "category"]},
    "max_per": {"brand": 2},
    "rotation": {"rate": 0.4, "recover": "2h"},
    "exploration": 0.1,
    "min_relevance": 0.05,
    "exclude_ids": ["foo-009"],
}
_BODIES = {
    "filtered and explained": _REQUEST,
    "by rules": _RULED,
    "without what is in the cart or was viewed lately": {
        "exclude": ["purchased", "in_cart", {"event": "view", "within": "7d"}]
    },
    "with what is due to be bought again": {"repeats": True},
    "all defaults": {},
}
_ASKED = (*ANY, FILTER)
_OF_USER = (*_ASKED, NO_TOKEN, OTHER_USER)
_LIKE = _listed("similar_to", "Similar to Night Watch espresso beans, 1 kg", PRODUCT_ID)
_FOR_USER = _listed(
    "because_bought", "Because you bought Night Watch espresso beans, 1 kg", PRODUCT_ID
)
_FOUND = _listed("matches_search", "Matches your search", None) | {
    "query": {"text": "expresso beans", "meant": "espresso beans", "missing_words": [],
              "synonyms": {}, "relaxed": False},
    "facets": {
        "products": 14,
        "complete": True,
        "fields": [
            {"field": "brand", "missing": 0, "has_more": False,
             "buckets": [{"count": 14, "value": "Cordwain Roasters", "lower": None,
                          "upper": None}]},
            {"field": "price", "missing": 0, "has_more": False,
             "buckets": [{"count": 9, "value": None, "lower": None, "upper": 20.0},
                         {"count": 5, "value": None, "lower": 20.0, "upper": None}]},
        ],
    },
}  # fmt: skip
_USER_OR_SEED = Problem(400, "user-or-seed", "Give either `user` or `seed`.")
_WORTH = {"id": "foo-010", "place": 31, "score": 0.0283, "contributions": {"text": 0.0283}}
_EXPLAINED = {
    "product": "foo-010",
    "stage": "rank",
    "reason": "Others are ranked higher: compare `why` with that of `last`.",
    "place": None,
    "conditions": [],
    "had": None,
    "why": _WORTH,
    "last": {"id": "foo-004", "place": 3, "score": 0.72, "contributions": {"text": 0.72}},
    "candidates": 148,
    "sources": [
        {
            "source": "text",
            "proposed": 42,
            "place": 40,
            "scores": {"interest": 0.31},
            "last_scores": {"interest": 0.29},
        },
    ],
    "missing_ids": [],
    "fallback": None,
    "degraded": {},
}
_OF_TASTE = ("exclude", "as_of", "repeats")
_CHART = {name: value for name, value in _LIST.items() if name not in _OF_TASTE}
_OF_METHOD = {
    "get": (invalid("query.count", "Input should be a valid integer"),),
    "post": (NOT_JSON, TOO_MANY, *TOO_LARGE),
}
_ROWS: dict[str, Any] = {
    "missing_ids": [], "fallback": None, "degraded": {},
    "rows": [
        _FOR_USER
        | {
            "code": "because_bought",
            "title": "Because you bought Night Watch espresso beans, 1 kg",
            "because": PRODUCT_ID,
        }
    ],
}  # fmt: skip
_SEGMENTS: dict[str, Any] = {
    "by": "brand", "spaces": ["text@1"], "missing_ids": [], "fallback": None, "degraded": {},
    "items": [
        {"value": "Cordwain Roasters", "rank": 1, "score": 0.41,
         "products": ["foo-004"], "because": [PRODUCT_ID]},
    ],
}  # fmt: skip
_NO_SEGMENT = Problem(
    400,
    "unknown-field",
    "'price' is neither brand, category nor an attribute of texts or of true and false.",
    errors=[{"where": "by", "message": "'price' is neither brand, category nor an attribute …"}],
)
_NOTHING_ASKED = invalid("body", "say what to search for: q, picture or products")
_SEARCHED = invalid("query.q", "is missing")

LISTS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=_LIKE,
        parameters=_PRODUCT_PATH | _LIST | {"blend": "content:1,behaviour:0.5"},
        errors=(*_ASKED, invalid("query.count", "Input should be a valid integer"),
                unknown("product")),
    ),
    ("post", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=_LIKE,
        bodies=_BODIES | {"a blend": {"blend": {"content": 1, "behaviour": 0.5}} | _REQUEST},
        parameters=_PRODUCT_PATH,
        errors=(*_ASKED, NOT_JSON, TOO_MANY, unknown("product"), *TOO_LARGE),
    ),
    **{
        (method, f"/v1/products/{{product_id}}/{name}"): Call(
            answers={200: "AnswerOut"},
            answer=_listed(code, text, PRODUCT_ID),
            bodies={"filtered and explained": _REQUEST, "all defaults": {}}
            if method == "post"
            else {},
            parameters=_PRODUCT_PATH | (_CHART if method == "get" else {}),
            errors=(*_ASKED, unknown("product"), *_OF_METHOD[method]),
        )
        for name, code, text in (
            ("bought-together", "bought_with", "Often bought with Night Watch espresso beans"),
            ("complements", "goes_with", "Goes with Night Watch espresso beans"),
        )
        for method in ("get", "post")
    },
    ("get", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=_FOR_USER,
        parameters=_USER_PATH | _LIST,
        errors=(*_OF_USER, invalid("query.count", "Input should be a valid integer")),
    ),
    ("post", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=_FOR_USER,
        bodies=_BODIES,
        parameters=_USER_PATH,
        errors=(*_OF_USER, NOT_JSON, TOO_MANY, *TOO_LARGE),
    ),
    **{
        ("get", f"/v1/{name}"): Call(
            answers={200: "ChartOut"},
            answer=_listed(code, text, None) | {"measured_by": measure},
            parameters=_CHART
            | {"category": "Food & Drink"}
            | ({"window": "week"} if name == "popular" else {}),
            errors=(*_ASKED, invalid("query.count", "Input should be a valid integer")),
        )
        for name, code, text, measure in (
            ("popular", "popular", "Popular right now", "users in the last 7 days"),
            ("trending", "trending", "More popular than usual", "users in the last 7 days above …"),
            ("new", "new", "Newly added", "time of release, else of coming in; …"),
        )
    },
    ("post", "/v1/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=_LIKE,
        bodies={
            "products": {"products": [PRODUCT_ID, {"id": "foo-004", "weight": -1}]},
            "a session": {"session": [{"type": "view", "product": PRODUCT_ID}]} | _REQUEST,
            "a user, and a session": {
                "user": USER_ID,
                "session": [{"type": "add_to_cart", "product": PRODUCT_ID, "at": _AT}],
            },
            "a cart": {"cart": [PRODUCT_ID, "foo-004"], "user": USER_ID},
            "a text, for a user": {"text": "gift for a gardener", "user": USER_ID},
            "a category, for a user": {"category": "Kitchen", "user": USER_ID},
            "a segment": {"segment": {"brand": "Cordwain Roasters"}, "count": 3},
        },
        errors=(*_OF_USER, NOT_JSON, TOO_MANY, *TOO_LARGE),
    ),
    ("post", "/v1/recommendations/{rec_id}/next"): Call(
        answers={200: "AnswerOut"},
        answer=_FOR_USER,
        bodies={"as many as before": {}, "twelve": {"count": 12}},
        parameters={"rec_id": UNKNOWN_ANSWER},
        errors=(*_OF_USER, NOT_JSON, TOO_MANY, unknown_answer(), *TOO_LARGE),
    ),
    ("get", "/v1/users/{user_id}/rows"): Call(
        answers={200: "RowsOut"},
        answer=_ROWS,
        parameters=_USER_PATH
        | {"rows": 3, "count": 3}
        | {name: _LIST[name] for name in ("filter", "fields", "explain")},
        errors=(*_OF_USER, *_OF_METHOD["get"]),
    ),
    ("post", "/v1/users/{user_id}/rows"): Call(
        answers={200: "RowsOut"},
        answer=_ROWS,
        bodies={"three rows": {"rows": 3} | _REQUEST, "all defaults": {}},
        parameters=_USER_PATH,
        errors=(*_OF_USER, *_OF_METHOD["post"]),
    ),
    ("get", "/v1/explain"): Call(
        answers={200: "ExplanationOut"},
        answer=_EXPLAINED,
        parameters=_LIST | {"product": PRODUCT_ID, "user": USER_ID, "seed": ""},
        errors=(*_OF_USER, NEEDS_TOKEN, invalid("query.product", "Field required"),
                _USER_OR_SEED,
                unknown("product")),
    ),
    ("get", "/v1/users/{user_id}/segments"): Call(
        answers={200: "SegmentsOut"},
        answer=_SEGMENTS,
        parameters=_USER_PATH | {"by": "brand", "count": 3, "filter": _LIST["filter"]},
        errors=(*_OF_USER, _NO_SEGMENT, *_OF_METHOD["get"]),
    ),
    ("post", "/v1/users/{user_id}/segments"): Call(
        answers={200: "SegmentsOut"},
        answer=_SEGMENTS,
        bodies={"brands": {"by": "brand"}, "an attribute": {"by": "attributes.roast", "count": 3}},
        parameters=_USER_PATH,
        errors=(*_OF_USER, _NO_SEGMENT, *_OF_METHOD["post"]),
    ),
    ("get", "/v1/products/{product_id}/audience"): Call(
        answers={200: "AudienceOut"},
        answer={"space": "als@1", "items": [{"id": USER_ID, "rank": 1, "score": 0.83}]},
        parameters=_PRODUCT_PATH | {"count": 3, "exclude": "purchased"},
        errors=(*SERVER, PARAMETER, unknown("product"), *_OF_METHOD["get"]),
    ),
    ("post", "/v1/batch"): Call(
        answers={200: "BatchOut"},
        answer={
            "answers": [
                {"status": 200, "answer": _LIKE},
                {"status": 404, "problem": problems.document(unknown("product"))},
            ]
        },
        bodies={
            "a home page": {
                "requests": [
                    {"operation": "for_user", "user": USER_ID, "count": 6},
                    {"operation": "similar", "product": PRODUCT_ID, "fields": ["title"]},
                    {"operation": "recommendations", "products": [PRODUCT_ID]},
                    {"operation": "search", "q": "expresso beans", "count": 3},
                    {"operation": "popular"},
                ],
                "distinct": True,
            }
        },
        errors=(*ANY, NO_TOKEN, NOT_JSON, invalid("body.requests", "is missing"), *TOO_LARGE),
    ),
    ("get", "/v1/search"): Call(
        answers={200: "SearchOut"},
        answer=_FOUND,
        parameters=_CHART
        | {"q": "expresso beans", "user": USER_ID, "personal": 0.5, "facets": "brand,price",
           "sort": "-price", "highlight": True},
        errors=(*_OF_USER, _SEARCHED, invalid("query.count", "Input should be a valid integer")),
    ),
    ("post", "/v1/search"): Call(
        answers={200: "SearchOut"},
        answer=_FOUND,
        bodies={
            "words": {"q": "expresso beans", "fields": ["title"]},
            "like a product, unlike another": {
                "products": [PRODUCT_ID, {"id": "foo-004", "weight": -0.5}], "q": "dark roast",
            },
            "a picture": {"picture": _PICTURE, "count": 3},
            "counted and sorted": {
                "q": "coffee",
                "facets": ["category", {"field": "price", "ranges": [10, 20, 50]}],
                "sort": ["-price", "title"],
                "highlight": True,
            },
            "filtered, for a user": {"q": "coffee", "user": USER_ID, "personal": 0.5} | _REQUEST,
        },
        errors=(*_OF_USER, NOT_JSON, _NOTHING_ASKED, *TOO_LARGE),
    ),
    ("get", "/v1/suggest"): Call(
        answers={200: "SuggestionsOut"},
        answer={"suggestions": [
            {"text": "espresso", "kind": "words", "id": None},
            {"text": "Night Watch espresso beans, 1 kg", "kind": "product", "id": PRODUCT_ID},
        ]},
        parameters={"q": "espr", "count": 8},
        errors=(*ANY, PARAMETER, _SEARCHED),
    ),
}  # fmt: skip
