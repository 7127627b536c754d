"""Why a product is in a list, or why not."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender import time_budget
from recommender.api import answers, codec, placing, problems, queries, user_tokens
from recommender.api.answers import StageOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.list_requests import ExplainParameters, ExplainRequest
from recommender.api.problems import Problem
from recommender.api.queries import ranked_query
from recommender.api.recommendations import FOR_USER
from recommender.api.related import SIMILAR
from recommender.engine import explanation, related, trace
from recommender.engine.answer import FIRST_PAGE, UnknownProductError
from recommender.engine.explanation import Explanation, Stage, Worth
from recommender.engine.source_scores import SourceSays
from recommender.history import aliases
from recommender.retrieval.filters import Filter
from recommender.time_budget import TimeUpError

router = Router(tags=["recommendations"], auth=any_key)

_USER_OR_SEED = "Give either `user` or `seed`."
_REASONS: Mapping[Stage, str] = {
    Stage.LISTED: "It is in the list.",
    Stage.UNKNOWN: "There is no such product.",
    Stage.DELETED: "It was taken off sale.",
    Stage.OUT_OF_STOCK: "It is out of stock.",
    Stage.EXCLUDED: "The list leaves out what the user had, and the product asked about.",
    Stage.FILTER: "It does not pass the filter: see `conditions`.",
    Stage.FALLBACK: "The list is what is popular, as nothing tells what this user likes; it is not "
    "among the first.",
    Stage.NOT_PROPOSED: "No source proposes it: others are nearer to what the list goes by.",
    Stage.FUSION: "A source proposes it, but others are proposed by more sources, or higher.",
    Stage.RANK: "Others are ranked higher: compare `why` with that of `last`.",
    Stage.RULES: "By its rank it would be in the list; a rule of the request gave its place away.",
}


class WorthOut(Schema):
    """A product's score, and what contributes to it."""

    id: str
    place: Annotated[int, Field(description="Among all that were ranked.")]
    score: float
    contributions: dict[str, float]


class SourceOut(Schema):
    """What a source says of the product, beside the last that it proposes."""

    source: str
    proposed: Annotated[int, Field(description="How many products it proposes.")]
    place: Annotated[int | None, Field(description="Of the product among them.")]
    scores: dict[str, float]
    last_scores: dict[str, float]


class HadOut(Schema):
    """The user's latest event with the product."""

    type: str
    at: str


class ExplanationOut(Schema):
    """Why a product is in a list, or at which stage it is not any more."""

    product: str
    stage: Annotated[str, Field(description=f"One of {', '.join(Stage)}.")]
    reason: str
    place: Annotated[int | None, Field(description="In the list.")]
    conditions: Annotated[
        list[str], Field(description="Where in the request a condition is that it does not pass.")
    ]
    had: HadOut | None
    why: Annotated[
        WorthOut | None,
        Field(description="Of a product that is not listed, as if it had been a candidate."),
    ]
    last: Annotated[WorthOut | None, Field(description="Of the last product of the list.")]
    candidates: Annotated[int, Field(description="How many were ranked.")]
    sources: list[SourceOut]
    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    scenario: str | None = None
    scenario_version: int | Literal["draft"] | None = None
    trace: list[StageOut] | None = None


@router.get(
    "/explain",
    response=ExplanationOut,
    summary="Why, or why not",
    openapi_extra=user_tokens.DOCUMENTED,
)
def get_explanation(request: ApiRequest, ask: Parameters[ExplainParameters]) -> HttpResponse:
    """Why a product is in a list, or why not: of any product, shown or not.

    Of a `user` as in their recommendations, or of a `seed` as in its similar products, with the
    members of that request. A browser key is told of a user with their token alone.
    """
    response = codec.respond(told(request, queries.from_query(request, ask, ExplainRequest)))
    user_tokens.vary(request, response)
    return response


def told(request: ApiRequest, asked: ExplainRequest) -> dict[str, Any]:
    """The explanation as JSON will have it.

    Raises:
        Problem: for what is unknown or cannot be used.
    """
    asked = _placed(request, _of_kept(request, asked))
    with trace.recording() if asked.trace else nullcontext() as recorder:
        explained = _explained_in_time(request, asked)
    traced = {} if recorder is None else {"trace": list(map(answers.stage, recorder.stages))}
    return _document(asked, explained) | traced


def _of_kept(request: ApiRequest, asked: ExplainRequest) -> ExplainRequest:
    """The request with products that were merged by the ids of those that stayed."""
    catalog = request.auth.catalog
    kept = {"product": aliases.canonical(catalog, asked.product)}
    if asked.seed is not None:
        kept["seed"] = aliases.canonical(catalog, asked.seed)
    return asked.model_copy(update=kept)


def _placed(request: ApiRequest, asked: ExplainRequest) -> ExplainRequest:
    """The request with what its placement says, if it names one."""
    if asked.user is not None:
        return placing.place(request, FOR_USER.of(asked.user), asked)
    return placing.place(request, SIMILAR.of(asked.seed or ""), asked)


def _explained_in_time(request: ApiRequest, asked: ExplainRequest) -> Explanation:
    milliseconds = asked.timeout_ms
    try:
        with nullcontext() if milliseconds is None else time_budget.within(milliseconds / 1000):
            return _explained(request, asked)
    except TimeUpError as exc:
        detail = f"It could not be explained within {milliseconds} ms. Give it more."
        raise Problem(503, "took-too-long", detail) from exc


def _explained(request: ApiRequest, asked: ExplainRequest) -> Explanation:
    user, seed, catalog = asked.user, asked.seed, request.auth.catalog
    if user is not None and seed is None:
        if not user_tokens.may_know(request, user):
            raise Problem(
                403, "needs-user-token", f"What a user had is theirs. {user_tokens.NEEDED}"
            )
        query = ranked_query(request.auth, asked, FIRST_PAGE)
        parts = _conditions(request, asked, None)
        return explanation.for_user(catalog, user, asked.product, query, parts)
    if seed is None or user is not None:
        errors = [{"where": "query.user", "message": _USER_OR_SEED}]
        raise Problem(400, "user-or-seed", _USER_OR_SEED, errors=errors)
    query = ranked_query(request.auth, asked, FIRST_PAGE, seed)
    try:
        parts = _conditions(request, asked, seed)
        similar = partial(related.similar, catalog, seed)
        return explanation.like(catalog, seed, asked.product, query, parts, similar)
    except UnknownProductError as exc:
        raise problems.unknown_product(seed) from exc


def _conditions(request: ApiRequest, asked: ExplainRequest, seed: str | None) -> dict[str, Filter]:
    """The conditions of the request's filter that must all hold, by where they are."""
    parts = dict(_parts(asked.filter, "filter")) if asked.filter is not None else {}
    if asked.exclude_ids:
        parts["exclude_ids"] = {"id": {"not_in": asked.exclude_ids}}
    own = queries.filters_of(request.auth, parts, product=seed, as_of=asked.as_of)
    return own if asked.placing is None else {**own, **asked.placing.conditions}


def _parts(document: Mapping[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in document.items():
        if name == "all":
            for place, part in enumerate(value):
                yield from _parts(part, f"{where}.all[{place}]")
        elif isinstance(value, dict) and name != "not":
            yield from ((f"{where}.{name}.{one}", {name: {one: by}}) for one, by in value.items())
        else:
            yield f"{where}.{name}", {name: value}


def _document(asked: ExplainRequest, told: Explanation) -> dict[str, Any]:
    answer = told.answer
    missing = [asked.product] if told.stage is Stage.UNKNOWN else []
    return {
        "product": asked.product,
        "stage": told.stage,
        "reason": _REASONS[told.stage],
        "place": told.place,
        "conditions": told.conditions,
        "had": None if told.had is None else {"type": told.had.type, "at": told.had.at.isoformat()},
        "why": _worth(told.worth),
        "last": _worth(told.last),
        "candidates": told.candidates,
        "sources": list(map(_source, told.sources)),
        "missing_ids": [*answer.missing_ids, *missing],
        "fallback": answer.fallback,
        "degraded": {**answer.degraded, **answers.degraded_of(asked)},
        **answers.placement_of(asked),
    }


def _worth(worth: Worth | None) -> dict[str, Any] | None:
    if worth is None:
        return None
    return {
        "id": worth.id,
        "place": worth.place,
        "score": worth.score,
        "contributions": worth.contributions,
    }


def _source(says: SourceSays) -> dict[str, Any]:
    return {
        "source": says.source,
        "proposed": says.proposed,
        "place": says.place,
        "scores": says.scores,
        "last_scores": says.last_scores,
    }
