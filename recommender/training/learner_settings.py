"""The step that chooses settings of the learners, and remembers them until the catalog changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.conf import settings as configuration

from recommender.behaviour.settings import LearnerSettings
from recommender.models import Catalog, TrainingRun
from recommender.ranking import metrics
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting, tuning
from recommender.training.fitting import DONE, KEPT, SKIPPED, Outcome, Progress
from recommender.training.splits import Plan, Split
from recommender.training.tuning import Replay

NAME = "learner settings"
# A catalog that has grown or shrunk by more is another one.
_CHANGED = 1.25
_LEAST_SECONDS = 120.0  # of the processors


@dataclass(frozen=True, slots=True)
class Chosen:
    """The snapshot whose learners have their settings, and what the training says of these."""

    snapshot: Snapshot
    outcome: Outcome
    is_new: bool = False  # whether behaviour spaces were learnt with others before


def choose(catalog: Catalog, now: Snapshot, plan: Plan, progress: Progress) -> Chosen:
    """The remembered settings; or those that a search finds."""
    remembered: Mapping[str, float] = catalog.learner_settings.get("of", {})
    if remembered and not _has_changed(remembered, _size(now)):
        settings = LearnerSettings.from_json(catalog.learner_settings["settings"])
        text = (
            f"As found for {remembered['events']:,} events of {remembered['users']:,} users; they "
            "are searched again when the catalog has changed by a quarter."
        )
        figures = {"chosen": settings.to_json()}
        return Chosen(replace(now, learners=settings), Outcome(KEPT, text, figures))
    chosen = searched(now, plan, seconds_for(catalog), progress)
    if chosen.outcome.outcome != DONE:
        return chosen
    before = LearnerSettings.from_json(catalog.learner_settings.get("settings", {}))
    return replace(chosen, is_new=chosen.snapshot.learners.als != before.als)


def remember(catalog: Catalog, chosen: Chosen) -> None:
    """Keep what a search has found, once the spaces that are learnt so are there.

    A training that dies before is followed by one that searches again, and makes the spaces.
    """
    if chosen.outcome.outcome == DONE:
        now = chosen.snapshot
        catalog.learner_settings = {"settings": now.learners.to_json(), "of": _size(now)}
        catalog.save(update_fields=["learner_settings"])


def searched(now: Snapshot, plan: Plan, seconds: float, progress: Progress) -> Chosen:
    """What a search finds in a history; the defaults where too little is known."""
    shortage = fitting.shortage(now)
    split = _split(plan)
    if shortage is not None or split is None:
        text = f"{shortage or plan.reason} The defaults are used."
        return Chosen(now, Outcome(SKIPPED, text))
    replay = Replay.of(now, split)
    if len(replay.users) < metrics.MIN_USERS:
        text = (
            f"What {len(replay.users)} users came to after an earlier time is known, at least "
            f"{metrics.MIN_USERS} are needed to compare settings: the defaults are used."
        )
        return Chosen(now, Outcome(SKIPPED, text))
    found = tuning.search(replay, seconds, progress)
    text = f"By what {len(replay.users):,} users came to after an earlier time."
    if found.unfinished:
        text += (
            f" In {seconds:.0f} s of the processors not all were tried of "
            f"{', '.join(found.unfinished)}; a larger KINSHIP_TUNING_SHARE gives more time."
        )
    chosen = replace(now, learners=found.settings)
    return Chosen(chosen, Outcome(DONE, text, found.figures()))


def seconds_for(catalog: Catalog) -> float:
    """How much of the processors a search may take: its share of the time of the last training."""
    runs = TrainingRun.objects.filter(catalog=catalog, status=TrainingRun.Status.DONE)
    last = runs.order_by("-pk").first()
    steps = last.steps if last is not None else []
    others = float(sum(step["seconds"] for step in steps if step["name"] != NAME))
    share: float = configuration.TUNING_SHARE
    return max(first_seconds(), others * share / (1 - share))


def first_seconds() -> float:
    """How much of them it may take at least: in a first training, and in a backtest."""
    return _LEAST_SECONDS if configuration.TUNING_SHARE else 0.0


def _split(plan: Plan) -> Split | None:
    """Of those that model selection does not judge by, the one that most followed after."""
    splits = [split for split in plan.splits if not split.is_held_out]
    return max(splits, key=lambda split: split.labels.nnz, default=None)


def _size(now: Snapshot) -> dict[str, int]:
    return {
        "events": len(now.interactions),
        "users": len(now.users),
        "products": len(now.products),
    }


def _has_changed(before: Mapping[str, float], now: Mapping[str, float]) -> bool:
    ratios = [max(now[name], 1) / max(before.get(name, 0), 1) for name in now]
    return any(not 1 / _CHANGED <= ratio <= _CHANGED for ratio in ratios)
