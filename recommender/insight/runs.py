"""The life of an insight run: asked for, taken up by one process, finished, cancelled or dead."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Window
from django.db.models.functions import Now, RowNumber
from django.dispatch import Signal
from psycopg import sql

from recommender import database, locks
from recommender.insight.kind import InsightError, Kind, Parameters
from recommender.insight.kinds import KINDS
from recommender.locks import session_lock
from recommender.models import Catalog, InsightRun

# Of each catalog and kind so many are kept.
KEPT = 5
DIED = (
    "Its worker died or was stopped before it had finished, as where memory runs out. Run it again."
)
Status = InsightRun.Status

_LOCK = 7_310_050

# Sent with `run_id` when a run waits; maybe inside a transaction.
insight_requested = Signal()

# Whoever carries one out holds the lock from before the row says so until after: in the row's
# place, a lock cannot outlive a process that died.
_FAIL_DEAD = sql.SQL("""
UPDATE recommender_insightrun r SET status = 'failed', error = %(error)s, finished_at = now()
WHERE r.status = 'running' AND NOT {}
""").format(locks.is_locked("id", "r"))


class AlreadyRunningError(Exception):
    """One of the kind waits or runs in this catalog."""

    def __init__(self, run: InsightRun) -> None:
        super().__init__(f"{run.kind} of {run.catalog} is {run.status} already, as run {run.uuid}.")
        self.run = run


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is this process's to carry out, as long as `check` does not raise."""

    run: InsightRun
    check: Callable[[], None]


def request(catalog: Catalog, kind: Kind, parameters: Parameters) -> InsightRun:
    """Have workers carry out a run.

    Raises:
        AlreadyRunningError: one of the kind waits or runs. Workers are told of one that waits once
            more: the first message may be lost.
        InsightError: the catalog cannot be told anything of the kind, as without vectors.
    """
    fail_dead_runs()
    unfinished = InsightRun.objects.filter(
        catalog=catalog, kind=kind.name, status__in=InsightRun.UNFINISHED
    ).select_related("catalog")
    if found := unfinished.first():
        _tell(found)
        raise AlreadyRunningError(found)
    kind.check(catalog, parameters)
    stored = parameters.model_dump(mode="json")
    try:
        with transaction.atomic():
            run = InsightRun.objects.create(catalog=catalog, kind=kind.name, parameters=stored)
    except IntegrityError:
        if found := unfinished.first():  # who asked at the same time came first
            raise AlreadyRunningError(found) from None
        raise
    _tell(run)
    return run


def cancel(run: InsightRun) -> bool:
    """End a run that waits or runs; whoever is at it stops at its next report of progress.

    Returns:
        Whether it was unfinished.
    """
    return _end(run.pk, InsightRun.UNFINISHED, status=Status.CANCELLED) > 0


@contextmanager
def claimed(run_id: int) -> Iterator[Claim | None]:
    """Take up a run that waits; whoever carries it out does so within the block.

    The advisory lock that keeps others away is held by a connection of its own: the server frees
    it when the process dies. What the block raises is written to the run; an InsightError, which
    tells people what to mend, ends here, and all else is raised on.

    Yields:
        The claim of the run, which is running now; None where it does not wait.
    """
    with session_lock(f"insight run {run_id}", _LOCK << 32 | run_id) as lock:
        run = _take(run_id) if lock is not None else None
        if lock is None or run is None:
            yield None
            return
        try:
            yield Claim(run, lock.check)
        except InsightError as exc:
            _fail(run, exc.detail, exc.code)
        except BaseException as exc:
            _fail(run, f"{type(exc).__name__}: {exc}".removesuffix(": "))
            raise


def waiting() -> list[int]:
    """The runs that wait, the oldest first; those whose process died are found first."""
    fail_dead_runs()
    runs = InsightRun.objects.filter(status=Status.WAITING).order_by("pk")
    return list(runs.values_list("pk", flat=True))


def renewable() -> list[InsightRun]:
    """Of each catalog and kind the latest run, where it is done: what the schedule makes anew."""
    latest = InsightRun.objects.select_related("catalog").order_by("catalog_id", "kind", "-pk")
    found = latest.defer("arrays").distinct("catalog_id", "kind")
    return [run for run in found if run.status == Status.DONE and run.kind in KINDS]


def fail_dead_runs() -> int:
    """Have the runs whose process died say so; how many they are."""
    return database.execute(_FAIL_DEAD, {"error": DIED, "lock": _LOCK})


def prune(of: Mapping[str, Any] | None = None) -> None:
    """Remove all but the latest KEPT runs of each catalog and kind, with their findings.

    Args:
        of: only of this `catalog` and `kind`.
    """
    place = Window(RowNumber(), ["catalog", "kind"], [F("pk").desc()])
    runs = InsightRun.objects.filter(**(of or {})).annotate(place=place).filter(place__gt=KEPT)
    old = runs.exclude(status__in=InsightRun.UNFINISHED).values_list("pk", flat=True)
    InsightRun.objects.filter(pk__in=list(old)).delete()


def _tell(run: InsightRun) -> None:
    if run.status == Status.WAITING:
        insight_requested.send(Catalog, run_id=run.pk)


def _take(run_id: int) -> InsightRun | None:
    """The run, running from now on; the lock is held, so no other process is at it."""
    runs = InsightRun.objects.filter(pk=run_id)
    dead = runs.filter(status=Status.RUNNING)
    dead.update(status=Status.FAILED, error=DIED, finished_at=Now())
    waiting = runs.filter(status=Status.WAITING)
    if not waiting.update(status=Status.RUNNING, started_at=Now()):
        return None
    return runs.select_related("catalog").first()


def _fail(run: InsightRun, error: str, code: str = "") -> None:
    _end(run.pk, (Status.RUNNING,), status=Status.FAILED, error=error, error_code=code)


def _end(run_id: int, of: tuple[str, ...], **result: Any) -> int:
    runs = InsightRun.objects.filter(pk=run_id, status__in=of)
    return runs.update(finished_at=Now(), progress={}, **result)
