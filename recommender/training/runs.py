"""The life of a training: asked for, taken up by one process, finished; one that died says so."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.dispatch import Signal
from django.utils import timezone
from psycopg import sql

from recommender import database, locks
from recommender.locks import session_lock
from recommender.models import Catalog, TrainingRun, Webhook
from recommender.webhooks import outbox

# Of each catalog so many are kept.
KEPT = 50
DIED = (
    "Its worker died or was stopped before it had finished, as where memory runs out. Train again."
)
UNFINISHED = (TrainingRun.Status.WAITING, TrainingRun.Status.RUNNING)

# Steps that count or look, and of which nothing new serves.
_COUNTING = ("learner settings", "popularity")

_LOCK_TRAINING = 7_310_030
_LOCK_REQUEST = 7_310_031

# Sent with `catalog_id` when a training waits; maybe inside a transaction.
training_requested = Signal()

# Whoever trains holds the lock from before the row says so until after: in the row's place, a
# lock cannot outlive a process that died.
_DEAD = sql.SQL("""
SELECT r.id FROM recommender_trainingrun r WHERE r.status = 'running' AND NOT {}
""").format(locks.is_locked("catalog_id", "r"))

_DUE = """
SELECT c.id FROM recommender_catalog c LEFT JOIN LATERAL (
    SELECT trained_until FROM recommender_trainingrun r
    WHERE r.catalog_id = c.id AND r.status = 'done' ORDER BY r.created_at DESC LIMIT 1
) last ON true
WHERE EXISTS (
    SELECT FROM recommender_event e
    WHERE e.catalog_id = c.id AND e.at >= COALESCE(last.trained_until, '-infinity'))
   OR EXISTS (SELECT FROM recommender_forgotten f WHERE f.catalog_id = c.id)
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is this process's to carry out, as long as `check` does not raise."""

    run: TrainingRun
    check: Callable[[], None]


def request(catalog: Catalog) -> TrainingRun:
    """Ask the workers to train a catalog: the run that waits or goes on already, or a new one.

    Workers are told of one that waits once more: the first message may be lost.
    """
    with transaction.atomic():
        database.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", (_LOCK_REQUEST, catalog.pk))
        fail_dead_runs()
        unfinished = TrainingRun.objects.filter(catalog=catalog, status__in=UNFINISHED)
        run = unfinished.order_by("created_at").first()
        if run is None:
            run = TrainingRun.objects.create(catalog=catalog)
        if run.status == TrainingRun.Status.WAITING:
            training_requested.send(Catalog, catalog_id=catalog.pk)
    return run


@contextmanager
def claimed(catalog_id: int) -> Iterator[Claim | None]:
    """Take up a catalog's training that waits; whoever trains does so within the block.

    The advisory lock that keeps others away is held by a connection of its own: the server frees
    it when the process dies. What the block raises is written to the run, and raised on.

    Yields:
        The claim of the run, which is running now; None where none waits or somebody is at the
        catalog.
    """
    key = _LOCK_TRAINING << 32 | catalog_id
    with session_lock(f"training catalog {catalog_id}", key) as lock:
        if lock is None:
            yield None
            return
        run = _take(catalog_id)
        try:
            yield Claim(run, lock.check) if run is not None else None
        finally:
            if run is not None:
                _finish(run, sys.exception())
    # Who came for it while the lock was still held went away again.
    if TrainingRun.objects.filter(catalog=catalog_id, status=TrainingRun.Status.WAITING).exists():
        training_requested.send(Catalog, catalog_id=catalog_id)


def fail_dead_runs() -> int:
    """Have the runs whose process died say so; how many they are."""
    dead = [run_id for (run_id,) in database.fetch(_DEAD, {"lock": _LOCK_TRAINING})]
    return _fail(TrainingRun.objects.filter(pk__in=dead)) if dead else 0


def _fail(runs: "QuerySet[TrainingRun]") -> int:
    """Have these say that their process died, where they still run; how many they are."""
    with transaction.atomic():
        dead = list(runs.filter(status=TrainingRun.Status.RUNNING).select_for_update())
        for run in dead:
            run.status, run.error, run.finished_at = TrainingRun.Status.FAILED, DIED, timezone.now()
            run.save(update_fields=["status", "error", "finished_at"])
            _tell(run)
    return len(dead)


def complete(run: TrainingRun) -> None:
    """Keep a run whose steps are all done."""
    run.status, run.finished_at, run.progress = TrainingRun.Status.DONE, timezone.now(), {}
    with transaction.atomic():
        run.save()
        _tell(run)


def _tell(run: TrainingRun) -> None:
    """Tell webhooks how a run ended: it failed, or nothing, or something, of it serves."""
    kind = Webhook.Kind.TRAINING_FAILED
    if run.status == TrainingRun.Status.DONE:
        learnt = [step for step in run.steps if step["name"] not in _COUNTING]
        serves = any(step["outcome"] == TrainingRun.Outcome.DONE for step in learnt)
        kind = Webhook.Kind.TRAINED if serves else Webhook.Kind.REFUSED
    steps = [{name: step[name] for name in ("name", "outcome", "text")} for step in run.steps]
    told = {"training": run.pk, "error": run.error, "steps": steps}
    outbox.tell(run.catalog_id, kind, told)


def due() -> list[Catalog]:
    """The catalogs with events that no finished training has learnt from, or users erased since."""
    ids = [catalog_id for (catalog_id,) in database.fetch(_DUE)]
    return list(Catalog.objects.filter(pk__in=ids))


def prune() -> None:
    """Remove all but each catalog's latest KEPT runs."""
    place = Window(RowNumber(), "catalog", [F("created_at").desc(), F("pk").desc()])
    old = TrainingRun.objects.annotate(place=place).filter(place__gt=KEPT)
    TrainingRun.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()


def _take(catalog_id: int) -> TrainingRun | None:
    """The run that waits, running from now on; the lock is held, so no other is alive."""
    runs = TrainingRun.objects.filter(catalog=catalog_id)
    _fail(runs)
    waiting = runs.filter(status=TrainingRun.Status.WAITING)
    taken = waiting.select_related("catalog").order_by("created_at").first()
    if taken is None:
        return None
    waiting.filter(pk=taken.pk).update(status=TrainingRun.Status.RUNNING, started_at=Now())
    taken.refresh_from_db(fields=["status", "started_at"])
    return taken


def _finish(run: TrainingRun, error: BaseException | None) -> None:
    """Say how it ended, as far as the training itself has not."""
    rows = TrainingRun.objects.filter(pk=run.pk)
    running = rows.filter(status=TrainingRun.Status.RUNNING)
    with transaction.atomic():
        if error is None:
            ended = running.update(status=TrainingRun.Status.DONE)
        else:
            words = f"{type(error).__name__}: {error}".removesuffix(": ")
            ended = running.update(status=TrainingRun.Status.FAILED, error=words)
        rows.filter(finished_at=None).update(finished_at=Now())
        if ended:
            _tell(rows.get())
