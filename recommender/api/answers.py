"""What requests for products share: the engine's query, and its answer as JSON."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from ninja import Schema
from pydantic import Field

from recommender.api import codec, reasons
from recommender.api.auth import ApiRequest
from recommender.api.control_requests import PlacementRequest
from recommender.api.list_requests import ListRequest
from recommender.engine.answer import Answer, Item
from recommender.engine.trace import Recorder, Stage


class RuleActedOut(Schema):
    """A merchandiser's rule that had to do with an item."""

    id: str
    name: str
    action: str


class WhyOut(Schema):
    """Why an item is there; contributions add up to its score, and one below 0 is against it."""

    code: Annotated[
        str,
        Field(
            description="The one reason, for those who write their own sentences; a code never "
            "changes its meaning. `because_…` and `similar_to` speak of the first of `because`, "
            f"`…_before` of the product itself: {', '.join(reasons.CODES)}."
        ),
    ]
    source: Annotated[str, Field(description="What contributes most.")]
    because: Annotated[
        list[str], Field(description="The user's own products that led here, the first most.")
    ]
    interest: Annotated[
        str | None,
        Field(description="The own product that stands for the interest nearest to it."),
    ]
    contributions: dict[str, float]
    channel: Annotated[str, Field(deprecated=True, description="The old name of `source`.")]
    parts: Annotated[
        dict[str, float], Field(deprecated=True, description="The old name of `contributions`.")
    ]
    text: Annotated[
        str | None,
        Field(
            description="The same reason in a sentence, where `explain` is true: in the first "
            "language of `Accept-Language` that there is, else in English."
        ),
    ] = None
    placed: Annotated[
        str | None,
        Field(description="The rule that gave it its place: `promoted`, `explored` or `pinned`."),
    ] = None
    propensity: Annotated[
        float | None, Field(description="How likely it was explored, where it was.")
    ] = None
    rules: Annotated[
        list[RuleActedOut] | None,
        Field(
            description="The placement's rules that pin it, boost or bury it, where `explain` is "
            "true and there are any."
        ),
    ] = None


class ItemOut(Schema):
    """One product."""

    id: str
    rank: int
    score: float
    fields: dict[str, Any]
    why: WhyOut
    highlights: Annotated[
        dict[str, str] | None,
        Field(
            description="Of a search with `highlight`, by field: HTML that is safe, with the "
            "words of the query in `<em>`."
        ),
    ] = None


class StageOut(Schema):
    """A stage that ran."""

    stage: str
    milliseconds: Annotated[
        float, Field(description="With those that it called, which come after it.")
    ]
    notes: Annotated[
        dict[str, int | str | None],
        Field(description="What it says of what it did: candidates by name, mostly."),
    ]


Traced = Annotated[
    list[StageOut] | None,
    Field(description="The stages in the order in which they began, where `trace` is true."),
]


class AnswerOut(Schema):
    """A list of products, and whether and why it is not all that was asked for."""

    rec_id: str
    spaces: list[str]
    complete: bool
    reason: str | None
    missing_ids: list[str]
    fallback: str | None
    degraded: Annotated[
        dict[str, str],
        Field(description="What did not run for this answer, by its name, and why."),
    ]
    scenario: Annotated[
        str | None, Field(description="The placement, where the request named one.")
    ] = None
    scenario_version: Annotated[
        int | Literal["draft"] | None, Field(description="That made the list.")
    ] = None
    variant: Annotated[
        str | None,
        Field(description="Of an experiment that its user is in, as experiment/variant."),
    ] = None
    trace: Traced = None
    items: list[ItemOut]


def document(
    request: ApiRequest,
    answer: Answer,
    ask: ListRequest,
    more: Mapping[str, object] = MappingProxyType({}),
    recorder: Recorder | None = None,
) -> dict[str, Any]:
    """The answer as JSON has it, but for its id.

    Args:
        more: members of its own, where an endpoint has some.
        recorder: of the stages that made it, where they were asked for.
    """
    public, readable = request.auth.public_attributes, request.auth.fields
    language = language_of(request) if ask.explain else None
    items = codec.within_bytes(
        _item(_readable(item, readable), rank, language, public)
        for rank, item in enumerate(answer.items, start=1)
    )
    is_cut = len(items) < len(answer.items)
    traced = {} if recorder is None else {"trace": stages(recorder)}
    return {
        "spaces": answer.spaces,
        "complete": answer.complete and not is_cut,
        "reason": _cut(len(items)) if is_cut else answer.reason,
        "missing_ids": answer.missing_ids,
        "fallback": answer.fallback,
        "degraded": {**answer.degraded, **degraded_of(ask)},
        **placement_of(ask),
        **more,
        **traced,
        "items": items,
    }


def placement_of(ask: PlacementRequest) -> dict[str, object]:
    """What an answer says of the placement that its request names, and of the variant shown."""
    if ask.placing is None:
        return {}
    placed = ask.placing.placed
    named = {"scenario": placed.name, "scenario_version": placed.version or "draft"}
    varied = {} if placed.variant is None else {"variant": placed.variant}
    return {**(named if placed.name else {}), **varied}


def degraded_of(ask: PlacementRequest) -> Mapping[str, str]:
    """The rules of the placement that could not act, and why."""
    return {} if ask.placing is None else ask.placing.degraded


def tell_language(request: ApiRequest, response: HttpResponse) -> None:
    """Say which language an answer with reasons is in, and that the request chose it."""
    response["Content-Language"] = language_of(request)
    patch_vary_headers(response, ["Accept-Language"])


def language_of(request: ApiRequest) -> str:
    """The language that reasons are told in."""
    return reasons.language_of(request.headers.get("Accept-Language", ""))


def stages(recorder: Recorder) -> list[dict[str, Any]]:
    """The stages that have ended as JSON has them."""
    return list(map(stage, recorder.stages))


def stage(stage: Stage) -> dict[str, Any]:
    """A stage as JSON has it."""
    return {"stage": stage.name, "milliseconds": stage.milliseconds, "notes": stage.notes}


def _cut(listed: int) -> str:
    return (
        f"Ended after {listed} products, as their fields have {codec.MOST_BYTES >> 20} MB; ask for "
        "fewer fields, or read the products by their ids."
    )


def _item(
    item: Item, rank: int, language: str | None, public: Collection[str] | None
) -> dict[str, Any]:
    code = reasons.code_of(item)
    why: dict[str, object] = {
        "code": code,
        "source": item.source,
        "because": item.because,
        "interest": item.interest,
        "contributions": item.contributions,
        "channel": item.source,
        "parts": item.contributions,
    }
    if item.placed is not None:
        why["placed"], why["propensity"] = item.placed, item.propensity
    if language is not None:
        why["text"] = reasons.sentence(code, item.cause, language)
        if item.acted:
            why["rules"] = [asdict(rule) for rule in item.acted]
    return {
        "id": item.id,
        "rank": rank,
        "score": item.score,
        "fields": item.fields if public is None else _public_fields(item.fields, public),
        "why": why,
        **({} if item.highlights is None else {"highlights": item.highlights}),
    }


def _readable(item: Item, fields: Collection[str]) -> Item:
    """The item with no other fields in its highlights than these; those that are named are checked
    before."""
    if not fields or item.highlights is None:
        return item
    return replace(item, highlights={k: v for k, v in item.highlights.items() if k in fields})


def _public_fields(fields: Mapping[str, Any], public: Collection[str]) -> Mapping[str, Any]:
    """The fields with no other attributes than these."""
    if "attributes" not in fields:
        return fields
    return {**fields, "attributes": {k: v for k, v in fields["attributes"].items() if k in public}}
