"""Backtests: a catalogue as it would have served at a past time, learnt from what was before."""

from datetime import datetime

from recommender.engine.batch import Recommender
from recommender.engine.snapshot import Snapshot
from recommender.models import Catalog
from recommender.training import fitting, ranker, run, splits
from recommender.training.outcome import Progress


def recommender_as_of(
    catalog: Catalog, as_of: datetime, mode: str, progress: Progress
) -> Recommender:
    """What a batch of a past time recommends from, learnt in this process and not stored.

    What serves today has learnt from events after that time, and would predict what it has
    seen. Content's vectors are today's: they know nothing of what users did.
    """
    return fit(catalog, run.present(catalog, as_of), mode, progress)


def fit(
    catalog: Catalog, then: Snapshot, mode: str, progress: Progress, scheme: str | None = None
) -> Recommender:
    """A recommender whose spaces, neighbours and ranker come from a snapshot's history alone."""
    progress("training behaviour spaces")
    fitted = fitting.fit(then)
    plan = splits.plan(then.interactions, scheme)
    progress(f"learning the rank: {plan.reason}")
    selection = ranker.learn(then, plan, [mode], progress)[mode]
    progress(selection.reason)
    return Recommender(catalog=catalog, snapshot=fitted, ranker=selection.ranker)
