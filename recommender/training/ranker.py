"""The step that learns the rank: past times replayed, every kind learnt, the best one stored."""

from collections.abc import Sequence
from datetime import UTC, datetime

from recommender.engine.snapshot import Snapshot
from recommender.models import Catalog, Mode
from recommender.ranking.fusion import FusionRanker
from recommender.training import fitting, model_selection, splits, storage, training_examples
from recommender.training.behaviour import snapshot_as_of
from recommender.training.model_selection import Selection
from recommender.training.outcome import DONE, SKIPPED, Outcome, Progress
from recommender.training.splits import Plan
from recommender.training.training_examples import SplitExamples


def train(catalog: Catalog, now: Snapshot, progress: Progress) -> Outcome:
    """Learn a ranker for each mode and have the selected one serve."""
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    plan = splits.plan(now.interactions)
    selections = learn(now, plan, Mode.values, progress)
    until = datetime.fromtimestamp(now.clock, UTC)
    for mode, selection in selections.items():
        storage.store_ranker(catalog, mode, selection, until)
    texts = [f"{mode}: {selection.reason}" for mode, selection in selections.items()]
    return Outcome(
        outcome=DONE,
        text=f"Learnt by {plan.scheme}: {plan.reason} {' '.join(texts)}",
        figures={mode: storage.figures(selection) for mode, selection in selections.items()},
    )


def learn(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Selection]:
    """The selected ranker for each mode, learnt from nothing but the snapshot's history."""
    if not plan.splits:
        nothing = Selection(ranker=FusionRanker(), figures={}, users=0, reason=plan.reason)
        return dict.fromkeys(modes, nothing)
    examples = _examples(now, plan, modes, progress)
    return {mode: model_selection.select(each, progress) for mode, each in examples.items()}


def _examples(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Sequence[SplitExamples]]:
    """Each split's examples, by mode; what several splits know is learnt once."""
    by_mode: dict[str, list[SplitExamples]] = {mode: [] for mode in modes}
    known, then = None, now
    for number, split in enumerate(plan.splits, start=1):
        if split.known is not known:
            progress(f"going back to {datetime.fromtimestamp(split.clock, UTC):%Y-%m-%d}")
            known, then = split.known, fitting.fit(snapshot_as_of(now, split))
        for mode, examples in by_mode.items():
            progress(f"replaying split {number} of {len(plan.splits)}, {mode}")
            examples.append(training_examples.of_split(then, split, mode))
    return dict(by_mode)
