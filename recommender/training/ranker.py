"""The step that learns the rank: past moments replayed, every kind learnt, the best one stored."""

from collections.abc import Sequence
from datetime import UTC, datetime

from recommender.engine.snapshot import Snapshot
from recommender.models import Catalog, Mode
from recommender.ranking.fusion import FusionRanker
from recommender.training import fitting, model_selection, splits, storage, training_examples
from recommender.training.behaviour import snapshot_of
from recommender.training.model_selection import Selection
from recommender.training.outcome import DONE, SKIPPED, Outcome, Progress
from recommender.training.splits import Plan
from recommender.training.training_examples import SplitExamples


def train(catalog: Catalog, now: Snapshot, progress: Progress) -> Outcome:
    """Learn a ranker for each mode and have the gate's choice serve."""
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    plan = splits.plan(now.interactions)
    verdicts = learn(now, plan, Mode.values, progress)
    until = datetime.fromtimestamp(now.clock, UTC)
    for mode, selection in verdicts.items():
        storage.store_ranker(catalog, mode, selection, until)
    texts = [f"{mode}: {selection.reason}" for mode, selection in verdicts.items()]
    return Outcome(
        outcome=DONE,
        text=f"Learnt by {plan.scheme}: {plan.reason} {' '.join(texts)}",
        figures={mode: storage.figures(selection) for mode, selection in verdicts.items()},
    )


def learn(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Selection]:
    """The gate's selection for each mode, learnt from nothing but the snapshot's history."""
    if not plan.splits:
        nothing = Selection(ranker=FusionRanker(), figures={}, users=0, reason=plan.reason)
        return dict.fromkeys(modes, nothing)
    taught = _lessons(now, plan, modes, progress)
    return {mode: model_selection.select(each, progress) for mode, each in taught.items()}


def _lessons(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Sequence[SplitExamples]]:
    """Each split's lesson, by mode; what several splits know is learnt once."""
    found: dict[str, list[SplitExamples]] = {mode: [] for mode in modes}
    known, then = None, now
    for number, split in enumerate(plan.splits, start=1):
        if split.known is not known:
            progress(f"going back to {datetime.fromtimestamp(split.clock, UTC):%Y-%m-%d}")
            known, then = split.known, fitting.fit(snapshot_of(now, split))
        for mode, each in found.items():
            progress(f"replaying moment {number} of {len(plan.splits)}, {mode}")
            each.append(training_examples.of_split(then, split, mode))
    return dict(found)
