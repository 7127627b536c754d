"""Backtests: a catalog as it would have served at a past time, learnt from what was before."""

from datetime import datetime

from recommender.engine.batch import Recommender
from recommender.models import Catalog
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting, learner_settings, splits
from recommender.training.fitting import Progress
from recommender.training.run import Past, learn_ranker, present


def recommender_as_of(
    catalog: Catalog, as_of: datetime, mode: str, progress: Progress
) -> Recommender:
    """What a batch of a past time recommends from, learnt in this process and not stored.

    What serves today has learnt from events after that time, and would predict what it has
    seen. Content's vectors are today's: they know nothing of what users did.
    """
    return fit_recommender(catalog, present(catalog, as_of), mode, progress)


def fit_recommender(
    catalog: Catalog, then: Snapshot, mode: str, progress: Progress, scheme: str | None = None
) -> Recommender:
    """A recommender whose spaces, neighbours and ranker come from a snapshot's history alone."""
    plan = splits.plan(then.interactions, scheme)
    seconds = learner_settings.first_seconds()
    then = learner_settings.searched(then, plan, seconds, progress).snapshot
    progress("training behaviour spaces")
    fitted = fitting.fit(then, progress)
    progress(f"learning the rank: {plan.reason}")
    selection = learn_ranker(Past(then), plan, [mode], progress)[mode]
    progress(selection.reason)
    return Recommender(catalog=catalog, snapshot=fitted, ranker=selection.ranker)
