"""Which ranker serves: each kind learns from the past, and the last days judge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import blend, metrics, ranker
from recommender.ranking.blend import BlendRanker
from recommender.ranking.examples import Examples, TooFewExamples, sample
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.lambdamart import LambdaMartRanker
from recommender.ranking.logistic import LogisticRanker
from recommender.ranking.metrics import Interval
from recommender.ranking.ranker import Ranker
from recommender.ranking.table import CandidateTable
from recommender.training.outcome import Progress
from recommender.training.training_examples import K, SplitExamples

Key = TypeVar("Key", str, float)

# Two together err less than one, and a sum less than trees.
_STEADY = (BlendRanker.kind, LogisticRanker.kind, LambdaMartRanker.kind, FusionRanker.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The ranker that is to serve, and how each kind did before the judges: NDCG@20."""

    ranker: Ranker
    figures: Mapping[str, Interval]
    users: int  # judged by
    reason: str


def select(lessons: Sequence[SplitExamples], progress: Progress) -> Selection:
    """Learn every kind from the lessons, choose by the held_out ones, and learn it from all.

    Fusion, which needs no learning, serves where there is too little to learn or to judge from,
    and where nothing learnt is better.
    """
    held_out = [each for each in lessons if each.is_held_out]
    users = sum(len(each.n_relevant) for each in held_out)
    if users < metrics.MIN_USERS:
        return _fusion(
            users,
            f"What {users} users did next is known; at least {metrics.MIN_USERS} are needed to "
            "judge a learnt rank. Fusion ranks until then.",
        )
    progress("learning LambdaMART and a logistic rank")
    try:
        both = _learn((each.table, each.labels) for each in lessons)
    except TooFewExamples as exc:
        return _fusion(users, str(exc))
    values, weight = _judged(both, held_out)
    figures = {kind: metrics.interval(found) for kind, found in values.items()}
    best = steadiest(values, _STEADY)
    reason = _reason(best, figures, users)
    if best == FusionRanker.kind:
        return Selection(ranker=FusionRanker(), figures=figures, users=users, reason=reason)
    progress(f"learning {best} from all of history")
    both = replace(_learn((each.table, each.relevant) for each in lessons), weight=weight)
    learnt: Mapping[str, Ranker] = {
        each.kind: each for each in (both, both.logistic, both.lambdamart)
    }
    return Selection(ranker=learnt[best], figures=figures, users=users, reason=reason)


def _learn(taught: Iterable[tuple[CandidateTable, NDArray[np.int8]]]) -> BlendRanker:
    return blend.fit(sample([Examples(table, labels) for table, labels in taught]))


def steadiest(values: Mapping[Key, NDArray[np.float64]], order: Sequence[Key]) -> Key:
    """The first in this order that is within one standard error of the best.

    Breiman et al.'s rule (1984): a lead within the noise of the held_out is no lead, and of equals
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


def _judged(
    both: BlendRanker, held_out: Sequence[SplitExamples]
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Each kind's NDCG@20 by user, and how much the logistic rank is to count in the blend.

    Both are asked once: a blend is the sum of what they said.
    """
    said = [both.scores(lesson.table) for lesson in held_out]

    def of(trees: float, line: float) -> NDArray[np.float64]:
        sums = [trees * first + line * second for first, second in said]
        return np.concatenate(list(map(_ndcg, sums, held_out)))

    blends = {weight: of(1.0, weight) for weight in blend.WEIGHTS}
    weight = steadiest(blends, blend.WEIGHTS)
    fused = [ndcg(FusionRanker(), lesson) for lesson in held_out]
    values = {
        FusionRanker.kind: np.concatenate(fused),
        LogisticRanker.kind: of(0.0, 1.0),
        LambdaMartRanker.kind: of(1.0, 0.0),
        BlendRanker.kind: blends[weight],
    }
    return values, weight


def ndcg(judged: Ranker, lesson: SplitExamples) -> NDArray[np.float64]:
    """Each user's NDCG@20 when this ranker ranks their candidates, shape (users,)."""
    return _ndcg(judged.score(lesson.table), lesson)


def _ndcg(scores: NDArray[np.float64], lesson: SplitExamples) -> NDArray[np.float64]:
    best = ranker.top(scores, lesson.table.sizes, K)
    hits = np.zeros((len(best), K), dtype=bool)
    for user, rows in enumerate(best):
        hits[user, : len(rows)] = lesson.relevant[rows] > 0
    return metrics.accuracy(hits, lesson.n_relevant).ndcg


def _fusion(users: int, reason: str) -> Selection:
    return Selection(ranker=FusionRanker(), figures={}, users=users, reason=reason)


def _reason(best: str, figures: Mapping[str, Interval], users: int) -> str:
    ordered = sorted(figures, key=lambda kind: -figures[kind].mean)
    list_of = ", ".join(f"{kind} {figures[kind].mean:.4f}" for kind in ordered)
    return (
        f"{best} ranks: in the replay of the last days of {users:,} users the kinds had NDCG@{K} "
        f"{list_of}, and of those within one standard error of the best it is the steadiest."
    )
