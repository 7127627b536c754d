"""Proposed categories, accepted and refused over REST."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.decisions_requests import DecisionsIn
from recommender.api.insight import find_run
from recommender.api.problems import Problem
from recommender.insight import decisions
from recommender.insight.decisions import Decided

router = Router(tags=["insight"], auth=server_key)

_BY = "the API"


class DecidedOut(Schema):
    """What became of a decision; `reason` says why it was skipped."""

    product: str
    status: Annotated[str, Field(description="accepted, refused, unchanged or skipped.")]
    reason: str | None


class DecisionsOut(Schema):
    """What became of the decisions; `left` are as sure as asked for, and open still."""

    accepted: int
    refused: int
    unchanged: int
    skipped: int
    left: int
    items: list[DecidedOut]


@router.post(
    "/insight/runs/{run_id}/decisions",
    response=DecisionsOut,
    summary="Accept or refuse proposed categories",
)
def post_decisions(request: ApiRequest, run_id: UUID, ask: DecisionsIn) -> HttpResponse:
    """Give products the categories that a run of `classify` proposes, or say that they are wrong.

    The next run learns from both, and proposes no category again that was refused. To say the same
    again changes nothing. A product that has got another category since is `skipped`.
    """
    codec.check_known(request, ())
    run = find_run(request, run_id)
    _check(ask)
    given = dict.fromkeys(ask.refuse, False) | dict.fromkeys(ask.accept, True)
    decided = decisions.decide(run, given, _BY)
    left = 0
    if ask.accept_from is not None:
        decided += decisions.accept_all(run, ask.accept_from, _BY)
        left = decisions.open_count(run, ask.accept_from)
    return codec.respond({**_counts(decided), "left": left, "items": decided})


def _check(ask: DecisionsIn) -> None:
    """See that there is something to decide, and each product decided on once.

    Raises:
        Problem: 400 where that is not so.
    """
    if not ask.accept and not ask.refuse and ask.accept_from is None:
        detail = "There is nothing to decide; send accept, refuse or accept_from."
        raise Problem(400, "invalid-decisions", detail)
    if both := sorted({*ask.accept} & {*ask.refuse}):
        detail = f"{both[0]!r} is in accept and in refuse; name it once."
        raise Problem(400, "invalid-decisions", detail)


def _counts(decided: Sequence[Decided]) -> dict[str, int]:
    statuses = [one.status for one in decided]
    names = (decisions.ACCEPTED, decisions.REFUSED, decisions.UNCHANGED, decisions.SKIPPED)
    return {name: statuses.count(name) for name in names}
