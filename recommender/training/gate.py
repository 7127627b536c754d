"""Which ranker serves: each kind learns from the past, and the last days judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import blend, learning, metrics, ranker
from recommender.ranking.blend import BlendRanker
from recommender.ranking.errors import TooFewExamples
from recommender.ranking.examples import Examples
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.lambdamart import LambdaMartRanker
from recommender.ranking.logistic import LogisticRanker
from recommender.ranking.metrics import Interval
from recommender.ranking.ranker import Ranker
from recommender.training.lessons import K, Lesson
from recommender.training.outcome import Progress

Key = TypeVar("Key", str, float)

# Two together err less than one, and a sum less than trees.
_STEADY = (BlendRanker.kind, LogisticRanker.kind, LambdaMartRanker.kind, FusionRanker.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The ranker that is to serve, and how each kind did before the judges: NDCG@20."""

    ranker: Ranker
    figures: Mapping[str, Interval]
    users: int  # judged by
    reason: str


def judge(lessons: Sequence[Lesson], progress: Progress) -> Verdict:
    """Learn every kind from the lessons, choose by the judging ones, and learn it from all.

    Fusion, which needs no learning, serves where there is too little to learn or to judge from,
    and where nothing learnt is better.
    """
    judging = [each for each in lessons if each.judges]
    users = sum(len(each.wanted) for each in judging)
    if users < metrics.MIN_USERS:
        return _fusion(
            users,
            f"What {users} users did next is known; at least {metrics.MIN_USERS} are needed to "
            "judge a learnt rank. Fusion ranks until then.",
        )
    try:
        rankers = learn([Examples(each.pool, each.labels) for each in lessons], progress)
    except TooFewExamples as exc:
        return _fusion(users, str(exc))
    weight = _weight(rankers, judging)
    rankers[BlendRanker.kind] = _blend(rankers, weight)
    values = {
        kind: _ndcg(each, judging)
        for kind, each in {FusionRanker.kind: FusionRanker(), **rankers}.items()
    }
    figures = {kind: metrics.interval(found) for kind, found in values.items()}
    best = steadiest(values, _STEADY)
    reason = _reason(best, figures, users)
    if best == FusionRanker.kind:
        return Verdict(ranker=FusionRanker(), figures=figures, users=users, reason=reason)
    progress(f"learning {best} from all of history")
    everything = learn([Examples(each.pool, each.truth) for each in lessons], progress)
    everything[BlendRanker.kind] = _blend(everything, weight)
    return Verdict(ranker=everything[best], figures=figures, users=users, reason=reason)


def learn(examples: Sequence[Examples], progress: Progress) -> dict[str, Ranker]:
    """A ranker of each kind that learns by itself.

    Raises:
        TooFewExamples: there is too little to learn from.
    """
    progress("learning a logistic rank")
    line = learning.learn(LogisticRanker.kind, examples)
    progress("learning LambdaMART")
    trees = learning.learn(LambdaMartRanker.kind, examples)
    return {line.kind: line, trees.kind: trees}


def steadiest(values: Mapping[Key, NDArray[np.float64]], order: Sequence[Key]) -> Key:
    """The first in this order that is within one standard error of the best.

    Breiman et al.'s rule (1984): a lead within the noise of the judging is no lead, and of equals
    the one that errs least elsewhere is to serve.

    Args:
        values: of the same users, shape (users,).
        order: all of them, the steadiest first.
    """
    best = max(values, key=lambda key: values[key].mean())
    for key in order:
        behind = values[best] - values[key]
        if behind.mean() <= behind.std() / np.sqrt(len(behind)):
            return key
    return best


def _weight(rankers: Mapping[str, Ranker], judging: Sequence[Lesson]) -> float:
    """How much the logistic rank is to count in the blend."""
    values = {weight: _ndcg(_blend(rankers, weight), judging) for weight in blend.WEIGHTS}
    return steadiest(values, blend.WEIGHTS)


def _blend(rankers: Mapping[str, Ranker], weight: float) -> BlendRanker:
    trees, line = rankers[LambdaMartRanker.kind], rankers[LogisticRanker.kind]
    if not (isinstance(trees, LambdaMartRanker) and isinstance(line, LogisticRanker)):
        raise TypeError(f"A blend is of LambdaMART and logistic, not of {trees} and {line}.")
    return BlendRanker(trees, line, weight)


def _ndcg(judged: Ranker, lessons: Sequence[Lesson]) -> NDArray[np.float64]:
    return np.concatenate([ndcg(judged, each) for each in lessons])


def ndcg(judged: Ranker, lesson: Lesson) -> NDArray[np.float64]:
    """Each user's NDCG@20 when this ranker ranks their candidates, shape (users,)."""
    best = ranker.top(judged.score(lesson.pool), lesson.pool.sizes, K)
    hits = np.zeros((len(best), K), dtype=bool)
    for user, rows in enumerate(best):
        hits[user, : len(rows)] = lesson.truth[rows] > 0
    return metrics.accuracy(hits, lesson.wanted).ndcg


def _fusion(users: int, reason: str) -> Verdict:
    return Verdict(ranker=FusionRanker(), figures={}, users=users, reason=reason)


def _reason(best: str, figures: Mapping[str, Interval], users: int) -> str:
    ordered = sorted(figures, key=lambda kind: -figures[kind].mean)
    list_of = ", ".join(f"{kind} {figures[kind].mean:.4f}" for kind in ordered)
    return (
        f"{best} ranks: in the replay of the last days of {users:,} users the kinds had NDCG@{K} "
        f"{list_of}, and of those within one standard error of the best it is the steadiest."
    )
