"""The step that trains behaviour spaces, and the comparison that a new version must win."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.models import Catalog, Mode, Space, TrainingRun, User
from recommender.profiles import builder
from recommender.ranking import metrics
from recommender.ranking.metrics import Interval
from recommender.ranking.ranker import FusionRanker
from recommender.snapshot import snapshot
from recommender.snapshot.snapshot import Snapshot, SpaceArrays
from recommender.spaces import switching, trained
from recommender.spaces.lifecycle import active_space
from recommender.spaces.partitions import SpaceError
from recommender.training import fitting, model_selection, training_examples
from recommender.training.fitting import DONE, KEPT, SKIPPED, Outcome, Progress, Trained
from recommender.training.splits import Split, last_days

# History that has grown by so much, though not at its end, is another history.
_GROWN = 1.1
# So many users have a profile in a version before it serves; the sweep makes those of the others.
_PROFILES = 20_000
_PROFILE_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The NDCG@20 of the version that serves and of a new one on the last days."""

    old: Interval
    new: Interval
    users: int

    @property
    def is_better(self) -> bool:
        """Whether the new one is to serve; of equals it is the one that knows the later history."""
        return self.new.mean >= self.old.mean


@dataclass(frozen=True, slots=True)
class _Published:
    """What was decided of a version, in words, and whether it was made."""

    text: str
    is_new: bool


def train(
    catalog: Catalog,
    now: Snapshot,
    progress: Progress,
    *,
    has_new_settings: bool = False,
    anew: bool = False,
) -> Outcome:
    """Train a version of every behaviour space; one serves if it is the first or the better one.

    Args:
        has_new_settings: whether other settings were found than those that serve: a new version
            then is made even where too little has happened to compare it by.
        anew: whether what serves has learnt from users who are erased: it is compared with nothing.
    """
    shortage = fitting.shortage(now)
    if shortage is not None:
        return Outcome(outcome=SKIPPED, text=shortage)
    serving = {
        space.name: space
        for space in Space.objects.filter(
            catalog=catalog, kind=Space.Kind.BEHAVIOUR, status=Space.Status.ACTIVE
        )
    }
    figures: dict[str, object] = {"events": len(now.interactions)}
    since = max(
        (space.trained_until for space in serving.values() if space.trained_until), default=None
    )
    split = None if since is None or anew else _split(now, since)
    is_due = anew or has_new_settings or _has_grown(catalog, len(now.interactions))
    if since is not None and split is None and not is_due:
        text = (
            f"Fewer than {metrics.MIN_USERS} users came to new products since "
            f"{since:%Y-%m-%d %H:%M} UTC, when the versions that serve were trained: too few to "
            "compare new ones by."
        )
        return Outcome(outcome=KEPT, text=text, figures=figures)
    comparisons = _compare(now, serving, split, progress) if split is not None else {}
    published = [
        _publish(catalog, fitted, now, comparisons.get(fitted.trainer.name), progress)
        for fitted in fitting.fit_spaces(now, progress)
    ]
    figures |= {name: _figures(comparison) for name, comparison in comparisons.items()}
    outcome = KEPT if serving else SKIPPED
    return Outcome(
        outcome=DONE if any(version.is_new for version in published) else outcome,
        text=" ".join(version.text for version in published),
        figures=figures,
    )


def _split(now: Snapshot, since: datetime) -> Split | None:
    """What the serving versions have not seen, of the last days; None where that is too little."""
    clock = max(snapshot.seconds(since), last_days(now.interactions))
    later = now.interactions.where(now.interactions.times >= clock).positive()
    relevant = later.binary()
    split = Split(
        clock=clock,
        known=now.interactions.before(clock),
        relevant=relevant,
        labels=csr_array(relevant.shape, dtype=np.float32),
        is_held_out=True,
    )
    before = snapshot_as_of(now, split)
    is_known = np.zeros(relevant.shape[0], dtype=bool)
    is_known[split.known.positive().users] = True
    users = np.flatnonzero(np.diff(training_examples.new_only(relevant, before).indptr) > 0)
    return split if is_known[users].sum() >= metrics.MIN_USERS else None


def snapshot_as_of(now: Snapshot, split: Split) -> Snapshot:
    """The catalog as it stood as of a split, without anything learnt."""
    content = tuple(space for space in now.spaces if space.kind != Space.Kind.BEHAVIOUR)
    return replace(now, clock=split.clock, interactions=split.known, spaces=content, neighbours={})


def _has_grown(catalog: Catalog, events: int) -> bool:
    """Whether history that is older than the last training has come in since."""
    runs = TrainingRun.objects.filter(catalog=catalog, status=TrainingRun.Status.DONE)
    known = (step["figures"].get("events") for run in runs[:1] for step in run.steps)
    last = next((number for number in known if number), None)
    return last is not None and events >= _GROWN * last


def _compare(
    now: Snapshot, serving: Mapping[str, Space], split: Split, progress: Progress
) -> dict[str, Comparison]:
    """Each serving version against one that was trained of the history before the last days."""
    before = snapshot_as_of(now, split)
    if fitting.shortage(before) is not None:
        return {}
    comparisons = {}
    for fitted in fitting.fit_spaces(before, progress):
        old = serving.get(fitted.trainer.name)
        if old is None:
            continue
        (space,) = snapshot.stored(now.products, [old])
        comparisons[fitted.trainer.name] = Comparison(
            old=metrics.interval(_ndcg(before, space, split)),
            new=metrics.interval(_ndcg(before, fitted.space, split)),
            users=int((np.diff(split.relevant.indptr) > 0).sum()),
        )
    return comparisons


def _ndcg(before: Snapshot, space: SpaceArrays, split: Split) -> NDArray[np.float64]:
    """Each user's NDCG@20 by what this space alone would have recommended."""
    alone = replace(before, spaces=(space,), neighbours={})
    examples = training_examples.of_split(alone, split, Mode.NEW)
    scores = replace(examples, table=examples.table.scores_alone())
    return model_selection.ndcg(FusionRanker(), scores)


def _publish(
    catalog: Catalog,
    fitted: Trained,
    now: Snapshot,
    comparison: Comparison | None,
    progress: Progress,
) -> _Published:
    """Store a version, and have it serve if it is to; what was decided, in words."""
    name = fitted.trainer.name
    serving = active_space(catalog.pk, name)
    if comparison is not None and not comparison.is_better:
        text = f"{serving} goes on serving: {_words(comparison)}, so no new version was made."
        return _Published(text, is_new=False)
    progress(f"storing {name}")
    try:
        space = _store(catalog, fitted, now)
    except SpaceError as exc:
        kept = "" if serving is None else f" {serving} goes on serving."
        return _Published(f"{name} was not made: {exc}{kept}", is_new=False)
    _build_profiles(space, progress)
    if serving is not None:
        switching.activate(space, force=True)
        trained.retire_old(catalog, name)
    serves = "serves" if serving is not None else "is the first version and serves"
    why = f": {_words(comparison)}" if comparison is not None else ""
    return _Published(f"{space} {serves}{why}.", is_new=True)


def _store(catalog: Catalog, fitted: Trained, now: Snapshot) -> Space:
    return trained.store(
        catalog,
        fitted.trainer.name,
        model=fitted.trainer.model,
        metric=fitted.trainer.metric,
        ids=now.products.keys[fitted.is_trained],
        vectors=fitted.space.vectors[fitted.is_trained],
        fold_in=b"" if fitted.space.fold_in is None else fitted.space.fold_in.to_bytes(),
        trained_until=datetime.fromtimestamp(now.clock, UTC),
        prediction=None if fitted.prediction is None else fitted.prediction.to_bytes(),
    )


def _build_profiles(space: Space, progress: Progress) -> None:
    """The profiles of the first users, so that they need not be made when they are asked for."""
    after, built = 0, 0
    total = min(_PROFILES, User.objects.filter(catalog=space.catalog_id).count())
    while built < _PROFILES:
        users = builder.stale_users(space, after=after, limit=_PROFILE_BATCH)
        if not users:
            return
        progress(f"building profiles in {space}", built, total)
        builder.refresh(space, users)
        after, built = users[-1], built + len(users)


def _words(comparison: Comparison) -> str:
    new, old = comparison.new.mean, comparison.old.mean
    return (
        f"on the last days' new products of {comparison.users:,} users, a version trained before "
        f"them reached NDCG@20 {new:.4f} and the one that serves {old:.4f}"
    )


def _figures(comparison: Comparison) -> dict[str, object]:
    new, old = _interval(comparison.new), _interval(comparison.old)
    return {"users": comparison.users, "new": new, "old": old}


def _interval(ndcg: Interval) -> dict[str, float]:
    return {"mean": ndcg.mean, "low": ndcg.low, "high": ndcg.high}
