"""The step that learns the rank: past moments replayed, every kind learnt, the best one stored."""

from collections.abc import Sequence
from datetime import UTC, datetime

from recommender.engine.snapshot import Snapshot
from recommender.models import Catalog, Mode
from recommender.ranking.fusion import FusionRanker
from recommender.training import fitting, gate, lessons, splits, storage
from recommender.training.behaviour import snapshot_of
from recommender.training.gate import Verdict
from recommender.training.lessons import Lesson
from recommender.training.outcome import DONE, SKIPPED, Outcome, Progress
from recommender.training.splits import Plan


def train(catalog: Catalog, now: Snapshot, progress: Progress) -> Outcome:
    """Learn a ranker for each mode and have the gate's choice serve."""
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    plan = splits.plan(now.interactions)
    verdicts = learn(now, plan, Mode.values, progress)
    until = datetime.fromtimestamp(now.clock, UTC)
    for mode, verdict in verdicts.items():
        storage.store_ranker(catalog, mode, verdict, until)
    texts = [f"{mode}: {verdict.reason}" for mode, verdict in verdicts.items()]
    return Outcome(
        outcome=DONE,
        text=f"Learnt by {plan.scheme}: {plan.reason} {' '.join(texts)}",
        figures={mode: storage.figures(verdict) for mode, verdict in verdicts.items()},
    )


def learn(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Verdict]:
    """The gate's verdict for each mode, learnt from nothing but the snapshot's history."""
    if not plan.splits:
        nothing = Verdict(ranker=FusionRanker(), figures={}, users=0, reason=plan.reason)
        return dict.fromkeys(modes, nothing)
    taught = _lessons(now, plan, modes, progress)
    return {mode: gate.judge(each, progress) for mode, each in taught.items()}


def _lessons(
    now: Snapshot, plan: Plan, modes: Sequence[str], progress: Progress
) -> dict[str, Sequence[Lesson]]:
    """Each split's lesson, by mode; what several splits know is learnt once."""
    found: dict[str, list[Lesson]] = {mode: [] for mode in modes}
    known, then = None, now
    for number, split in enumerate(plan.splits, start=1):
        if split.known is not known:
            progress(f"going back to {datetime.fromtimestamp(split.clock, UTC):%Y-%m-%d}")
            known, then = split.known, fitting.fit(snapshot_of(now, split))
        for mode, each in found.items():
            progress(f"replaying moment {number} of {len(plan.splits)}, {mode}")
            each.append(lessons.lesson(then, split, mode))
    return dict(found)
