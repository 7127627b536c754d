"""Carrying out an insight run: the kind is asked, and what it finds is written, all or nothing."""

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import orjson
from django.db import transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from recommender import arrays, database
from recommender.insight import runs
from recommender.insight.kind import Finding, Outcome
from recommender.insight.kinds import KINDS
from recommender.insight.runs import Claim
from recommender.models import InsightRun

if TYPE_CHECKING:
    from recommender.training.fitting import Progress

_TELL_EVERY = 0.5  # seconds

_COPY = """
COPY recommender_insightfinding (run_id, product_id, user_id, "group", score, data)
FROM STDIN (FORMAT binary)
"""
_TYPES = ("int8", "int8", "int8", "text", "float8", "jsonb")


class CancelledError(Exception):
    """Somebody cancelled the run, or its catalog is gone."""


def carry_out(claim: Claim, progress: "Progress") -> None:
    """Do what a run asks for and store what it finds; one that is cancelled stores nothing.

    Raises:
        InsightError: the catalog cannot be told anything of the kind.
        LockLostError: another process may be at the run.
    """
    run, began = claim.run, time.monotonic()
    say = _reporting(claim, progress)
    try:
        say("reading", 0, 0)
        kind = KINDS[run.kind]
        outcome = kind.run(run.catalog, kind.read(run.parameters), say)
        _store(claim, outcome, began)
    except CancelledError:
        return
    runs.prune({"catalog": run.catalog, "kind": run.kind})


def _reporting(claim: Claim, progress: "Progress") -> "Progress":
    """Progress that is written to the run, too, and that ends a run which was cancelled."""
    last, told = "", 0.0

    def report(text: str, done: int = 0, total: int = 0, /) -> None:
        nonlocal last, told
        if text == last and time.monotonic() - told < _TELL_EVERY:
            return
        last, told = text, time.monotonic()
        claim.check()
        running = InsightRun.objects.filter(pk=claim.run.pk, status=InsightRun.Status.RUNNING)
        if not running.update(progress={"text": text, "done": done, "total": total}):
            raise CancelledError
        progress(text, done, total)

    return report


def _store(claim: Claim, outcome: Outcome, began: float) -> None:
    """Write findings and figures in one transaction.

    Raises:
        CancelledError: the run has been cancelled before.
    """
    run = claim.run
    with transaction.atomic():
        database.lift_limit()
        locked = InsightRun.objects.select_for_update(of=("self",)).filter(pk=run.pk)
        if not locked.filter(status=InsightRun.Status.RUNNING).exists():
            raise CancelledError
        _write(run.pk, outcome.findings)
        claim.check()
        space = outcome.space
        locked.update(
            status=InsightRun.Status.DONE,
            summary=outcome.summary,
            figures=orjson.loads(_json(outcome.figures)),
            arrays=_packed(outcome) if outcome.arrays else None,
            space_name=space.name if space else "",
            space_version=space.version if space else None,
            seconds=round(time.monotonic() - began, 2),
            progress={},
            finished_at=timezone.now(),
        )


def _json(value: Any) -> bytes:
    """With numbers of numpy; what is no number is null, which PostgreSQL's JSON has."""
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def _packed(outcome: Outcome) -> bytes:
    return arrays.pack_arrays(dict(outcome.arrays), compress=False)


def _write(run_id: int, findings: Iterable[Finding]) -> None:
    with database.copy(_COPY) as stream:
        stream.set_types(_TYPES)
        for one in findings:
            data = Jsonb(one.data, dumps=_json)
            stream.write_row((run_id, one.product, one.user, one.group, float(one.score), data))
