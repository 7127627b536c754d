"""What the examples of calls for lists share: requests, answers and errors."""

from typing import Any

from recommender.api.example_errors import (
    ANY,
    FILTER,
    NO_PLACEMENT,
    NO_TOKEN,
    NOT_BY_BROWSERS,
    NOT_JSON,
    OTHER_USER,
    PRODUCT_ID,
    SEARCH_KEY,
    TOO_LARGE,
    TOO_MANY,
    USER_ID,
    invalid,
)
from recommender.api.problems import Problem

AT = "2026-01-22T10:00:00Z"
# Of one pixel.
PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

PRODUCT_PATH = {"product_id": PRODUCT_ID}
USER_PATH = {"user_id": USER_ID}
REQUEST = {
    "count": 3,
    "fields": ["title", "price"],
    "filter": {"all": [{"price": {"lte": 30}}, {"category": {"under": "Food & Drink"}}]},
    "explain": True,
}


def listed(code: str, text: str, because: str | None) -> dict[str, Any]:
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


LIST = {
    "count": 3,
    "filter": '{"price": {"lte": 30}}',
    "fields": "title,price",
    "exclude": "seen",
    "as_of": AT,
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
    "scenario": "",
    "scenario_version": "",
    "rules": True,
    "consent": True,
}
# Of these, what says which placement's list it is, and for whom.
PLACED = ("scenario", "scenario_version", "rules", "consent")
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
BODIES = {
    "filtered and explained": REQUEST,
    "by rules": _RULED,
    "without what is in the cart or was viewed lately": {
        "exclude": ["purchased", "in_cart", {"event": "view", "within": "7d"}]
    },
    "with what is due to be bought again": {"repeats": True},
    "all defaults": {},
}
ASKED = (*ANY, FILTER, NO_PLACEMENT, NOT_BY_BROWSERS)
OF_USER = (*ASKED, NO_TOKEN, OTHER_USER)
SEARCH_OF_USER = (*SEARCH_KEY, FILTER, NO_TOKEN, OTHER_USER)
LIKE = listed("similar_to", "Similar to Night Watch espresso beans, 1 kg", PRODUCT_ID)
FOR_USER = listed(
    "because_bought", "Because you bought Night Watch espresso beans, 1 kg", PRODUCT_ID
)
FOUND = listed("matches_search", "Matches your search", None) | {
    "query": {"text": "expresso beans", "meant": "espresso beans", "missing_words": [],
              "synonyms": {}, "relaxed": False},
    "redirect": {"address": None, "category": "Food & Drink/Coffee"},
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
USER_OR_SEED = Problem(400, "user-or-seed", "Give either `user` or `seed`.")
_WORTH = {"id": "foo-010", "place": 31, "score": 0.0283, "contributions": {"text": 0.0283}}
EXPLAINED = {
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
CHART = {name: value for name, value in LIST.items() if name not in _OF_TASTE}
TIMED = {name: LIST[name] for name in ("trace", "timeout_ms")}
OF_METHOD = {
    "get": (invalid("query.count", "Input should be a valid integer"),),
    "post": (NOT_JSON, TOO_MANY, *TOO_LARGE),
}
ROWS: dict[str, Any] = {
    "missing_ids": [], "fallback": None, "degraded": {},
    "rows": [
        FOR_USER
        | {
            "code": "because_bought",
            "title": "Because you bought Night Watch espresso beans, 1 kg",
            "because": PRODUCT_ID,
        }
    ],
}  # fmt: skip
SEGMENTS: dict[str, Any] = {
    "by": "brand", "spaces": ["text@1"], "missing_ids": [], "fallback": None, "degraded": {},
    "items": [
        {"value": "Cordwain Roasters", "rank": 1, "score": 0.41,
         "products": ["foo-004"], "because": [PRODUCT_ID]},
    ],
}  # fmt: skip
NO_SEGMENT = Problem(
    400,
    "unknown-field",
    "'price' is neither brand, category nor an attribute of texts or of true and false.",
    errors=[{"where": "by", "message": "'price' is neither brand, category nor an attribute …"}],
)
NOTHING_ASKED = invalid("body", "say what to search for: q, picture or products")
SEARCHED = invalid("query.q", "is missing")
