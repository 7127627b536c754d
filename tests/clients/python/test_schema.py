"""The client's types are those of the service's OpenAPI document: a new member is noticed here."""

import inspect
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from kinship_client import answers, api, calls, insight, options, records
from recommender.api.app import api as served

DOCUMENT = served.get_openapi_schema()
SCHEMAS: Mapping[str, Mapping[str, Any]] = DOCUMENT["components"]["schemas"]

ANSWERS = {
    "AnswerOut": answers.Recommendations,
    "ChartOut": answers.Chart,
    "SearchOut": answers.SearchResults,
    "SuggestionsOut": answers.Suggestions,
    "RowsOut": answers.Rows,
    "SegmentsOut": answers.Segments,
    "AudienceOut": answers.Audience,
    "BatchOut": answers.BatchAnswers,
    "ExplanationOut": answers.Explanation,
    "ProductOut": records.Product,
    "ProductPageOut": records.ProductPage,
    "BulkOut": records.Written,
    "SyncOut": records.Synced,
    "UserOut": records.User,
    "MergeOut": records.Merged,
    "ExportOut": records.Held,
    "IngestOut": records.Ingested,
    "OutliersOut": insight.Outliers,
    "KindsOut": insight.InsightKinds,
    "InsightRunOut": insight.InsightRun,
    "InsightRunsOut": insight.InsightRuns,
    "FindingsOut": insight.Findings,
    "DecisionsOut": insight.Decisions,
}

REQUESTS = {
    "ListRequest": (options.ListOptions, set()),
    "RecommendationRequest": (options.RecommendationOptions, set()),
    "SimilarRequest": (options.SimilarOptions, set()),
    "AdHocRequest": (options.AdHocOptions, set()),
    "CategoryParameters": (options.ChartOptions, set()),
    "PopularParameters": (options.PopularOptions, set()),
    "SearchRequest": (options.SearchOptions, {"q"}),
    "SuggestParameters": (options.SuggestOptions, {"q"}),
    "RowsRequest": (options.RowsOptions, set()),
    "SegmentsRequest": (options.SegmentsOptions, set()),
    "AudienceParameters": (options.AudienceOptions, set()),
    "ExplainParameters": (options.ExplainOptions, {"product"}),
    "SeedIn": (options.Seed, set()),
    "SessionEventIn": (options.SessionEvent, set()),
    "ProductIn": (options.ProductInput, set()),
    "ProductChange": (options.ProductInput, set()),
}
# What people and files manage, and a site does not ask.
MANAGED = (
    "/v1/placements",
    "/v1/experiments",
    "/v1/metrics/",
    "/v1/webhooks",
    "/v1/keys",
    "/v1/config",
)

# What `Api` does in one method for the two ways in which the service can be asked.
OF_ONE_METHOD = {
    ("GET", f"/v1/{path}")
    for path in (
        "users/{user_id}/recommendations",
        "users/{user_id}/rows",
        "users/{user_id}/segments",
        "products/{product_id}/similar",
        "products/{product_id}/bought-together",
        "products/{product_id}/complements",
        "search",
    )
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_the_members_of_the_document_and_their_types(name: str) -> None:
    _same(ANSWERS[name], SCHEMAS[name], name)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_takes_the_members_of_the_document(name: str) -> None:
    given, positional = REQUESTS[name]
    members = set(get_type_hints(given)) | positional
    assert members == set(SCHEMAS[name]["properties"])


def test_an_event_has_the_members_of_the_document() -> None:
    body = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]
    assert set(get_type_hints(options.Event)) == set(body["schema"]["oneOf"][0]["properties"])


def test_every_call_of_the_document_has_a_method() -> None:
    made = {_made(name) for name in vars(api.Api) if not name.startswith("_")}
    documented = {
        (method.upper(), path)
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
        if path.startswith("/v1/") and not path.startswith(MANAGED)
    }
    assert made == documented - OF_ONE_METHOD


def test_every_method_has_its_words_and_its_parameters() -> None:
    for name, method in vars(api.Api).items():
        if not name.startswith("_"):
            assert method.__doc__
            assert method.__doc__ == getattr(calls, name).__doc__


def _made(name: str) -> tuple[str, str]:
    """The method and the path that a call asks, with its ids' names in place of ids."""
    make = getattr(calls, name)
    texts = {"product": "{product_id}", "user": "{user_id}", "kind": "{kind}", "run": "{run_id}"}
    texts |= {"rec_id": "{rec_id}", "visitor": "v", "q": "q", "token": "t"}
    values = {
        parameter.name: texts.get(parameter.name, [])
        for parameter in inspect.signature(make).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        and (parameter.default is parameter.empty)
    }
    call = make(**values)
    return call.method, call.path.replace("%7B", "{").replace("%7D", "}")


def _same(own: Any, schema: Mapping[str, Any], where: str) -> None:
    """That a TypedDict is an object of the document, and so are those in it."""
    hints = get_type_hints(own)
    assert set(hints) == set(schema["properties"]), where
    assert own.__required_keys__ == set(schema.get("required", ())), where
    for name, described in schema["properties"].items():
        told = {_form(one) for one in _alternatives(described)}
        assert {_kind(one) for one in _members(hints[name])} == told, f"{where}.{name}"
        for inner, part in _objects(hints[name], described):
            _same(inner, part, f"{where}.{name}")


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for one in schema.get("anyOf", [schema]):
        yield SCHEMAS[one["$ref"].rpartition("/")[2]] if "$ref" in one else one


def _form(schema: Mapping[str, Any]) -> str | None:
    if "properties" in schema:
        return "object"
    return schema.get("type", "any")


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _kind(hint: Any) -> str:
    origin = get_origin(hint) or hint
    if origin is Literal:
        return "string"
    if origin is dict or is_typeddict(origin):
        return "object"
    names = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return {**names, NoneType: "null", list: "array", Any: "any"}[origin]


def _objects(hint: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    """The TypedDicts of a member, each with its object of the document, in lists, too."""
    forms = [one for one in _alternatives(schema) if _form(one) in ("object", "array")]
    kinds = [one for one in _members(hint) if _kind(one) in ("object", "array")]
    for kind, form in zip(kinds, forms, strict=True):
        if is_typeddict(kind):
            yield kind, form
        elif _kind(kind) == "array" and is_typeddict(get_args(kind)[0]):
            (inner,) = _alternatives(form["items"])
            yield get_args(kind)[0], inner
