"""One training from beginning to end: behaviour spaces, popularity, co-occurrence, ranker."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from django.utils import timezone

from recommender.engine import reading, snapshot
from recommender.engine.snapshot import Snapshot
from recommender.history import popularity
from recommender.models import Catalog, Space, TrainingRun
from recommender.training import behaviour, fitting, ranker, storage
from recommender.training.outcome import DONE, SKIPPED, Outcome, Progress

log = structlog.get_logger()


def train(
    catalog: Catalog,
    run: TrainingRun,
    progress: Progress,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Train all there is to train; every step's outcome and reason is in the run's row.

    With too little history a step is skipped and says so. The row is saved after each step.

    Args:
        check: called at each report of progress and before the row is saved; what it raises
            stops the training before it writes more.
    """
    progress = _checking(check, progress)
    progress("reading history")
    now = present(catalog)
    run.trained_until = popularity.clock(catalog)
    steps: dict[str, Callable[[], Outcome]] = {
        "behaviour spaces": lambda: behaviour.train(catalog, now, progress),
        "popularity": lambda: _popularity(catalog),
        "co-occurrence": lambda: _neighbours(catalog, now),
        "ranker": lambda: ranker.train(catalog, now, progress),
    }
    for name, step in steps.items():
        progress(name)
        _record(run, name, step, check)
    check()
    run.status, run.finished_at = TrainingRun.Status.DONE, timezone.now()
    run.save()


def present(catalog: Catalog, before: datetime | None = None) -> Snapshot:
    """A catalogue as it stands, or stood before a time, with the spaces that its content makes."""
    until = before or popularity.clock(catalog)
    read = reading.read(catalog, until)
    return snapshot.as_of(
        read,
        clock=snapshot.seconds(until),
        half_life_days=catalog.half_life_days,
        spaces=snapshot.stored(read.products, content_spaces(catalog)),
    )


def content_spaces(catalog: Catalog) -> list[Space]:
    """The spaces of a catalogue that serve and whose vectors come from content."""
    dense = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    dense = dense.exclude(output=Space.Output.SPARSE).exclude(kind=Space.Kind.BEHAVIOUR)
    return list(dense.order_by("name"))


def _checking(check: Callable[[], None], progress: Progress) -> Progress:
    def report(text: str) -> None:
        check()
        progress(text)

    return report


def _record(
    run: TrainingRun, name: str, step: Callable[[], Outcome], check: Callable[[], None]
) -> None:
    started = time.monotonic()
    found = step()
    check()
    seconds = round(time.monotonic() - started, 1)
    log.info("trained", catalog=run.catalog_id, step=name, outcome=found.outcome, seconds=seconds)
    run.steps.append(
        {
            "name": name,
            "outcome": found.outcome,
            "text": found.text,
            "seconds": seconds,
            "figures": dict(found.figures),
        }
    )
    run.save()


def _popularity(catalog: Catalog) -> Outcome:
    popularity.refresh(catalog)
    return Outcome(outcome=DONE, text="Counted anew.")


def _neighbours(catalog: Catalog, now: Snapshot) -> Outcome:
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    found = fitting.fit_neighbours(now)
    rows = storage.store_neighbours(catalog, now.products, found)
    return Outcome(
        outcome=DONE, text=f"Neighbours of products, {rows:,} lists.", figures={"lists": rows}
    )
