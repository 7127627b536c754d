"""Model selection: each kind of ranker learns from the past and is validated on the last days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.effect.logged_answers import LoggedAnswers
from recommender.ranking import blend, metrics
from recommender.ranking.blend import BlendRanker
from recommender.ranking.features import Examples, TooFewExamples, sample
from recommender.ranking.lambdamart import LambdaMartRanker
from recommender.ranking.logistic import LogisticRanker
from recommender.ranking.metrics import Interval
from recommender.ranking.ranker import FusionRanker, Ranker, top
from recommender.ranking.table import CandidateTable
from recommender.training import logged_replay
from recommender.training.fitting import Progress
from recommender.training.logged_replay import LoggedReplay
from recommender.training.training_examples import K, SplitExamples

Key = TypeVar("Key")
# Of LambdaMART and of the logistic rank, each of shape (candidates,).
Scores = tuple[NDArray[np.float64], NDArray[np.float64]]

# A blend errs less than one model, and a linear model less than trees.
_STEADY = (BlendRanker.kind, LogisticRanker.kind, LambdaMartRanker.kind, FusionRanker.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The ranker that is to serve, and the NDCG@20 of each kind on the held-out splits."""

    ranker: Ranker
    figures: Mapping[str, Interval]
    users: int  # of the held-out splits
    reason: str
    replayed: LoggedReplay | None = None  # None where no log was given, or no kind was learnt


def select(
    examples: Sequence[SplitExamples], progress: Progress, logged: LoggedAnswers | None = None
) -> Selection:
    """Learn every kind from the labels, choose by the held-out splits, and learn it from all.

    Fusion, which needs no learning, serves where there is too little to learn from or to
    validate on, and where nothing learnt is better.

    Args:
        logged: what was answered after the held-out split, to tell beside NDCG what each kind would
            have earned of it.
    """
    held_out = [split for split in examples if split.is_held_out]
    users = sum(len(split.n_relevant) for split in held_out)
    if users < metrics.MIN_USERS:
        return _fusion(
            users,
            f"What {users} users did next is known; at least {metrics.MIN_USERS} are needed to "
            "validate a learnt rank. Fusion ranks until then.",
        )
    progress("learning LambdaMART and a logistic rank")
    try:
        both = _learn((split.table, split.labels) for split in examples)
    except TooFewExamples as exc:
        return _fusion(users, str(exc))
    scores = [both.scores(split.table) for split in held_out]
    values, weight = _validated(scores, held_out)
    figures = {kind: metrics.interval(of_users) for kind, of_users in values.items()}
    replayed = None if logged is None else _replayed(scores[0], weight, held_out[0], logged)
    best = steadiest(values, _STEADY)
    reason = _reason(best, figures, users)
    if best == FusionRanker.kind:
        return Selection(
            ranker=FusionRanker(), figures=figures, users=users, reason=reason, replayed=replayed
        )
    progress(f"learning {best} from all of history")
    both = replace(_learn((split.table, split.relevant) for split in examples), weight=weight)
    learnt: Mapping[str, Ranker] = {
        ranker.kind: ranker for ranker in (both, both.logistic, both.lambdamart)
    }
    return Selection(
        ranker=learnt[best], figures=figures, users=users, reason=reason, replayed=replayed
    )


def _learn(labelled: Iterable[tuple[CandidateTable, NDArray[np.int8]]]) -> BlendRanker:
    return blend.fit(sample([Examples(table, labels) for table, labels in labelled]))


def steadiest(values: Mapping[Key, NDArray[np.float64]], order: Sequence[Key]) -> Key:
    """The first in this order that is within one standard error of the best.

    Breiman et al.'s rule (1984): a lead within the noise of the validation is no lead, and of
    equals the one that errs least elsewhere is to serve.

    Args:
        values: of the same users, shape (users,).
        order: all of them, the steadiest first.
    """
    best = max(values, key=lambda key: values[key].mean())
    for key in order:
        deficit = values[best] - values[key]
        if deficit.mean() <= deficit.std() / np.sqrt(len(deficit)):
            return key
    return best


def _validated(
    scores: Sequence[Scores], held_out: Sequence[SplitExamples]
) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Each kind's NDCG@20 by user, and how much the logistic rank is to count in the blend.

    Both score once: a blend is the sum of their scores.

    Args:
        scores: the trees' and the logistic rank's of each split's candidates.
    """

    def blended(trees: float, linear: float) -> NDArray[np.float64]:
        sums = [trees * of_trees + linear * of_linear for of_trees, of_linear in scores]
        return np.concatenate(list(map(_ndcg, sums, held_out)))

    blends = {weight: blended(1.0, weight) for weight in blend.WEIGHTS}
    weight = steadiest(blends, blend.WEIGHTS)
    fused = [ndcg(FusionRanker(), examples) for examples in held_out]
    values = {
        FusionRanker.kind: np.concatenate(fused),
        LogisticRanker.kind: blended(0.0, 1.0),
        LambdaMartRanker.kind: blended(1.0, 0.0),
        BlendRanker.kind: blends[weight],
    }
    return values, weight


def _replayed(
    scores: Scores, weight: float, examples: SplitExamples, logged: LoggedAnswers
) -> LoggedReplay:
    """What each kind would have earned of what was logged after a split."""
    of_trees, of_linear = scores
    of_kinds = {
        FusionRanker.kind: FusionRanker().score(examples.table),
        LogisticRanker.kind: of_linear,
        LambdaMartRanker.kind: of_trees,
        BlendRanker.kind: of_trees + weight * of_linear,
    }
    return logged_replay.replay(examples, of_kinds, logged)


def ndcg(ranker: Ranker, examples: SplitExamples) -> NDArray[np.float64]:
    """Each user's NDCG@20 when this ranker ranks their candidates, shape (users,)."""
    return _ndcg(ranker.score(examples.table), examples)


def _ndcg(scores: NDArray[np.float64], examples: SplitExamples) -> NDArray[np.float64]:
    best = top(scores, examples.table.sizes, K)
    hits = np.zeros((len(best), K), dtype=bool)
    for user, rows in enumerate(best):
        hits[user, : len(rows)] = examples.relevant[rows] > 0
    return metrics.accuracy(hits, examples.n_relevant).ndcg


def _fusion(users: int, reason: str) -> Selection:
    return Selection(ranker=FusionRanker(), figures={}, users=users, reason=reason)


def _reason(best: str, figures: Mapping[str, Interval], users: int) -> str:
    ordered = sorted(figures, key=lambda kind: -figures[kind].mean)
    means = ", ".join(f"{kind} {figures[kind].mean:.4f}" for kind in ordered)
    return (
        f"{best} ranks: in the replay of the last days of {users:,} users the kinds had NDCG@{K} "
        f"{means}, and of those within one standard error of the best it is the steadiest."
    )
