"""Examples of the calls that answer with lists of products."""

from collections.abc import Mapping

from recommender.api import problems
from recommender.api.documentation import Call
from recommender.api.example_errors import (
    ANY,
    NEEDS_TOKEN,
    NO_TOKEN,
    NOT_JSON,
    OTHER_USER,
    PARAMETER,
    PRODUCT_ID,
    SEARCH_KEY,
    SERVER,
    TOO_LARGE,
    TOO_MANY,
    UNKNOWN_ANSWER,
    USER_ID,
    invalid,
    unknown,
    unknown_answer,
)
from recommender.api.example_requests import (
    ASKED,
    AT,
    BODIES,
    CHART,
    EXPLAINED,
    FOR_USER,
    FOUND,
    LIKE,
    LIST,
    NO_SEGMENT,
    NOTHING_ASKED,
    OF_METHOD,
    OF_USER,
    PICTURE,
    PLACED,
    PRODUCT_PATH,
    REQUEST,
    ROWS,
    SEARCH_OF_USER,
    SEARCHED,
    SEGMENTS,
    TIMED,
    USER_OR_SEED,
    USER_PATH,
    listed,
)

LISTS: Mapping[tuple[str, str], Call] = {
    ("get", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=LIKE,
        parameters=PRODUCT_PATH | LIST | {"blend": "content:1,behaviour:0.5"},
        errors=(*ASKED, invalid("query.count", "Input should be a valid integer"),
                unknown("product")),
    ),
    ("post", "/v1/products/{product_id}/similar"): Call(
        answers={200: "AnswerOut"},
        answer=LIKE,
        bodies=BODIES | {"a blend": {"blend": {"content": 1, "behaviour": 0.5}} | REQUEST},
        parameters=PRODUCT_PATH,
        errors=(*ASKED, NOT_JSON, TOO_MANY, unknown("product"), *TOO_LARGE),
    ),
    **{
        (method, f"/v1/products/{{product_id}}/{name}"): Call(
            answers={200: "AnswerOut"},
            answer=listed(code, text, PRODUCT_ID),
            bodies={"filtered and explained": REQUEST, "all defaults": {}}
            if method == "post"
            else {},
            parameters=PRODUCT_PATH | (CHART if method == "get" else {}),
            errors=(*ASKED, unknown("product"), *OF_METHOD[method]),
        )
        for name, code, text in (
            ("bought-together", "bought_with", "Often bought with Night Watch espresso beans"),
            ("complements", "goes_with", "Goes with Night Watch espresso beans"),
        )
        for method in ("get", "post")
    },
    ("get", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=FOR_USER,
        parameters=USER_PATH | LIST,
        errors=(*OF_USER, invalid("query.count", "Input should be a valid integer")),
    ),
    ("post", "/v1/users/{user_id}/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=FOR_USER,
        bodies=BODIES,
        parameters=USER_PATH,
        errors=(*OF_USER, NOT_JSON, TOO_MANY, *TOO_LARGE),
    ),
    **{
        ("get", f"/v1/{name}"): Call(
            answers={200: "ChartOut"},
            answer=listed(code, text, None) | {"measured_by": measure},
            parameters=CHART
            | {"category": "Food & Drink"}
            | ({"window": "week"} if name == "popular" else {}),
            errors=(*ASKED, invalid("query.count", "Input should be a valid integer")),
        )
        for name, code, text, measure in (
            ("popular", "popular", "Popular right now", "users in the last 7 days"),
            ("trending", "trending", "More popular than usual", "users in the last 7 days above …"),
            ("new", "new", "Newly added", "time of release, else of coming in; …"),
        )
    },
    ("post", "/v1/recommendations"): Call(
        answers={200: "AnswerOut"},
        answer=LIKE,
        bodies={
            "products": {"products": [PRODUCT_ID, {"id": "foo-004", "weight": -1}]},
            "a session": {"session": [{"type": "view", "product": PRODUCT_ID}]} | REQUEST,
            "a user, and a session": {
                "user": USER_ID,
                "session": [{"type": "add_to_cart", "product": PRODUCT_ID, "at": AT}],
            },
            "a cart": {"cart": [PRODUCT_ID, "foo-004"], "user": USER_ID},
            "a text, for a user": {"text": "gift for a gardener", "user": USER_ID},
            "a category, for a user": {"category": "Kitchen", "user": USER_ID},
            "a segment": {"segment": {"brand": "Cordwain Roasters"}, "count": 3},
        },
        errors=(*OF_USER, NOT_JSON, TOO_MANY, *TOO_LARGE),
    ),
    ("post", "/v1/recommendations/{rec_id}/next"): Call(
        answers={200: "AnswerOut"},
        answer=FOR_USER,
        bodies={"as many as before": {}, "twelve": {"count": 12}},
        parameters={"rec_id": UNKNOWN_ANSWER},
        errors=(*OF_USER, NOT_JSON, TOO_MANY, unknown_answer(), *TOO_LARGE),
    ),
    ("get", "/v1/users/{user_id}/rows"): Call(
        answers={200: "RowsOut"},
        answer=ROWS,
        parameters=USER_PATH
        | {"rows": 3, "count": 3}
        | {name: LIST[name] for name in ("filter", "fields", "explain", *PLACED)}
        | TIMED,
        errors=(*OF_USER, *OF_METHOD["get"]),
    ),
    ("post", "/v1/users/{user_id}/rows"): Call(
        answers={200: "RowsOut"},
        answer=ROWS,
        bodies={"three rows": {"rows": 3} | REQUEST, "all defaults": {}},
        parameters=USER_PATH,
        errors=(*OF_USER, *OF_METHOD["post"]),
    ),
    ("get", "/v1/explain"): Call(
        answers={200: "ExplanationOut"},
        answer=EXPLAINED,
        parameters=LIST | {"product": PRODUCT_ID, "user": USER_ID, "seed": ""},
        errors=(*OF_USER, NEEDS_TOKEN, invalid("query.product", "Field required"),
                USER_OR_SEED,
                unknown("product")),
    ),
    ("get", "/v1/users/{user_id}/segments"): Call(
        answers={200: "SegmentsOut"},
        answer=SEGMENTS,
        parameters=USER_PATH | {"by": "brand", "count": 3, "filter": LIST["filter"]} | TIMED,
        errors=(*OF_USER, NO_SEGMENT, *OF_METHOD["get"]),
    ),
    ("post", "/v1/users/{user_id}/segments"): Call(
        answers={200: "SegmentsOut"},
        answer=SEGMENTS,
        bodies={"brands": {"by": "brand"}, "an attribute": {"by": "attributes.roast", "count": 3}},
        parameters=USER_PATH,
        errors=(*OF_USER, NO_SEGMENT, *OF_METHOD["post"]),
    ),
    ("get", "/v1/products/{product_id}/audience"): Call(
        answers={200: "AudienceOut"},
        answer={
            "space": "als@1",
            "degraded": {},
            "items": [{"id": USER_ID, "rank": 1, "score": 0.83}],
        },
        parameters=PRODUCT_PATH | {"count": 3, "exclude": "purchased"} | TIMED,
        errors=(*SERVER, PARAMETER, unknown("product"), *OF_METHOD["get"]),
    ),
    ("post", "/v1/batch"): Call(
        answers={200: "BatchOut"},
        answer={
            "answers": [
                {"status": 200, "answer": LIKE},
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
        answer=FOUND,
        parameters=CHART
        | {"q": "expresso beans", "user": USER_ID, "personal": 0.5, "facets": "brand,price",
           "sort": "-price", "highlight": True},
        errors=(*SEARCH_OF_USER, SEARCHED,
                invalid("query.count", "Input should be a valid integer")),
    ),
    ("post", "/v1/search"): Call(
        answers={200: "SearchOut"},
        answer=FOUND,
        bodies={
            "words": {"q": "expresso beans", "fields": ["title"]},
            "like a product, unlike another": {
                "products": [PRODUCT_ID, {"id": "foo-004", "weight": -0.5}], "q": "dark roast",
            },
            "a picture": {"picture": PICTURE, "count": 3},
            "counted and sorted": {
                "q": "coffee",
                "facets": ["category", {"field": "price", "ranges": [10, 20, 50]}],
                "sort": ["-price", "title"],
                "highlight": True,
            },
            "filtered, for a user": {"q": "coffee", "user": USER_ID, "personal": 0.5} | REQUEST,
        },
        errors=(*SEARCH_OF_USER, NOT_JSON, NOTHING_ASKED, *TOO_LARGE),
    ),
    ("get", "/v1/suggest"): Call(
        answers={200: "SuggestionsOut"},
        answer={"suggestions": [
            {"text": "espresso", "kind": "words", "id": None},
            {"text": "Night Watch espresso beans, 1 kg", "kind": "product", "id": PRODUCT_ID},
        ], "missing_ids": [], "degraded": {}},
        parameters={"q": "espr", "count": 8, "user": USER_ID, "personal": 0.5},
        errors=(*SEARCH_KEY, PARAMETER, SEARCHED, NO_TOKEN, OTHER_USER),
    ),
}  # fmt: skip
