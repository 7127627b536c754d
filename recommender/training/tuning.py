"""The search of each learner's settings, by what users came to after an earlier time.

Successive halving (Jamieson & Talwalkar 2016): all settings are tried with little effort, the best
half with more, and so on. Each trial lists products by its learner alone, in this process.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from time import process_time
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender import arrays
from recommender.behaviour import neighbours
from recommender.behaviour.ease import Ease
from recommender.behaviour.interactions import preferences
from recommender.behaviour.settings import (
    AlsSettings,
    CooccurrenceSettings,
    EaseSettings,
    LearnerSettings,
)
from recommender.behaviour.trainer import ALS
from recommender.ranking import metrics
from recommender.snapshot.snapshot import Snapshot
from recommender.training.behaviour import snapshot_as_of
from recommender.training.fitting import Progress
from recommender.training.model_selection import steadiest
from recommender.training.splits import Split
from recommender.training.training_examples import K, evaluable_users, new_only

Setting = TypeVar("Setting", bound=AlsSettings | CooccurrenceSettings | EaseSettings)
Floats = NDArray[np.float32]
# Of the users in these rows, the scores of all products: shape (users, products).
Scorer = Callable[[NDArray[np.int64]], Floats]

# The default stands first: it stays unless another is better beyond noise.
ALS_SETTINGS = (
    AlsSettings(),
    AlsSettings(dimension=32, regularization=10.0, alpha=1.0),
    AlsSettings(dimension=64, regularization=20.0, alpha=5.0),
    AlsSettings(regularization=10.0, alpha=1.0),
    AlsSettings(regularization=10.0, alpha=20.0),
    AlsSettings(dimension=256, regularization=10.0, alpha=20.0),
    AlsSettings(dimension=256, regularization=20.0, alpha=40.0),
    AlsSettings(dimension=256, regularization=3.0, alpha=10.0),
)
COOCCURRENCE_SETTINGS = (
    CooccurrenceSettings(),
    *(
        CooccurrenceSettings(user=user, own=own, target=target)
        for user, own, target in product((0.0, 0.5, 1.0), (0.5, 0.8), (0.15, 0.3, 0.5))
        if (user, own, target) != (0.0, 0.5, 0.5)
    ),
)
# Which l2 is best, few features tell as well as many, in a sixth of the time.
_EASE_FEATURES = 50
# By turns below and above, so that a search that is cut short has seen both sides.
EASE_SETTINGS = tuple(EaseSettings(l2=l2) for l2 in (200.0, 30.0, 1000.0, 100.0, 500.0, 15.0))
# What one block of users × products may hold: 80 MB of float32.
_BLOCK_CELLS = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What a trial may cost."""

    users: int  # whose lists are looked at
    iterations: int  # of a learner that goes on and on


EFFORTS = (
    Effort(users=300, iterations=3),
    Effort(users=600, iterations=6),
    Effort(users=1_200, iterations=15),
)
# More effort changes nothing about what is solved in closed form, and takes long.
_AT_ONCE = EFFORTS[-1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What was known at a time, and what users came to after it."""

    preferences: csr_array  # users × products, as ALS learns from
    binary: csr_array  # users × products, 1 where a user likes a product
    relevant: csr_array  # users × products, 1 for what followed and was new
    listable: NDArray[np.bool_]  # shape (products,)
    users: NDArray[np.int64]  # rows, in the order in which they are asked

    @classmethod
    def of(cls, snapshot: Snapshot, split: Split) -> "Replay":
        """A split of a snapshot's history, with all that its labels may teach."""
        then = snapshot_as_of(snapshot, split)
        relevant = new_only(split.labels, then)
        users = evaluable_users(relevant, then, EFFORTS[-1].users)
        return cls(
            preferences=preferences(
                then.interactions, half_life_days=then.half_life_days, clock=then.clock
            ),
            binary=then.interactions.positive().binary(),
            relevant=relevant,
            listable=then.products.available,
            users=np.random.default_rng(0).permutation(users),
        )

    def ndcg(self, scorer: Scorer, count: int) -> NDArray[np.float64]:
        """NDCG@20 of the first users' lists by these scores, shape (users,)."""
        users = self.users[:count]
        step = max(1, _BLOCK_CELLS // self.relevant.shape[1])
        blocks = (users[start : start + step] for start in range(0, len(users), step))
        return np.concatenate([self._ndcg(scorer(block), block) for block in blocks])

    def _ndcg(self, scores: Floats, users: NDArray[np.int64]) -> NDArray[np.float64]:
        scores = np.where(self.listable, scores, -np.inf)
        scores[self.binary[users].nonzero()] = -np.inf
        listed, values = arrays.best_of_rows(scores, K)
        relevant = self.relevant[users]
        hits = relevant[np.arange(len(users))[:, None], listed].toarray() > 0
        hits &= np.isfinite(values)
        return metrics.accuracy(hits, np.diff(relevant.indptr).astype(np.int64)).ndcg


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial(Generic[Setting]):
    """One setting at one effort."""

    settings: Setting
    users: int
    ndcg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The settings that a search ended with, its trials by learner, and what it had no time for."""

    settings: LearnerSettings
    trials: dict[str, list[Trial[Any]]]
    unfinished: tuple[str, ...]  # learners whose default stays, or the best of a shorter look

    def figures(self) -> dict[str, object]:
        """What was chosen, and the curve of each search, as JSON has it."""
        curves = {
            name: {f"{trial.users} users: {_words(trial.settings)}": trial.ndcg for trial in trials}
            for name, trials in self.trials.items()
        }
        return {"chosen": self.settings.to_json(), "ndcg": curves}


def search(replay: Replay, seconds: float, progress: Progress) -> Found:
    """The best settings of each learner, each within a third of the time.

    EASE after co-occurrence, which chooses its features.

    Args:
        seconds: of this process's processors, after which no further trial is begun: on a busy
            machine a search takes longer, and finds the same.
    """
    began = process_time()
    trials: dict[str, list[Trial[Any]]] = {}
    unfinished: list[str] = []

    def best(
        name: str,
        candidates: Sequence[Setting],
        scorer: Callable[[Setting, Effort], Scorer],
        share: float,
        efforts: Sequence[Effort] = EFFORTS,
    ) -> Setting:
        halving = Halving(replay, candidates, scorer, began + share * seconds, efforts)
        trials[name] = []
        for trial in halving.trials():
            trials[name].append(trial)
            progress(f"trying settings of {name}", len(trials[name]))
        if halving.is_cut_short:
            unfinished.append(name)
        return halving.best

    cooccurrence = best(
        "co-occurrence", COOCCURRENCE_SETTINGS, lambda one, _: _cooccurrence(replay, one), 1 / 3
    )
    regressions = cache(lambda: Ease.of(replay.binary, cooccurrence, _EASE_FEATURES))
    settings = LearnerSettings(
        cooccurrence=cooccurrence,
        ease=best(
            "EASE", EASE_SETTINGS, lambda one, _: _ease(replay, regressions(), one), 2 / 3, _AT_ONCE
        ),
        als=best("ALS", ALS_SETTINGS, lambda one, effort: _als(replay, one, effort), 1),
    )
    return Found(settings=settings, trials=trials, unfinished=tuple(unfinished))


class Halving(Generic[Setting]):
    """Successive halving of one learner's settings; the first, the default, stays to the end."""

    def __init__(
        self,
        replay: Replay,
        candidates: Sequence[Setting],
        scorer: Callable[[Setting, Effort], Scorer],
        deadline: float,
        efforts: Sequence[Effort] = EFFORTS,
    ) -> None:
        self.best = candidates[0]
        self.is_cut_short = False
        self._replay, self._scorer, self._deadline = replay, scorer, deadline
        self._candidates, self._efforts = candidates, efforts

    def trials(self) -> Iterator[Trial[Setting]]:
        """Try one after the other; `best` is then the best of the last effort.

        Where time is up within the first effort, it is the best of those that were tried; within
        a later one, that of the effort before.
        """
        left = list(self._candidates)
        for effort in self._efforts:
            values: dict[Setting, NDArray[np.float64]] = {}
            for settings in left:
                if process_time() > self._deadline:
                    self.is_cut_short = True
                    break
                scorer = self._scorer(settings, effort)
                values[settings] = self._replay.ndcg(scorer, effort.users)
                users, mean = len(values[settings]), float(values[settings].mean())
                yield Trial(settings=settings, users=users, ndcg=mean)
            if values and (effort is self._efforts[0] or not self.is_cut_short):
                self.best = steadiest(values, self._candidates_of(values))
            if self.is_cut_short:
                return
            left = self._better_half(values)

    def _candidates_of(self, values: dict[Setting, NDArray[np.float64]]) -> list[Setting]:
        """The default first, then the others, best first."""
        others = sorted(values, key=lambda settings: -values[settings].mean())
        others.remove(self._candidates[0])
        return [self._candidates[0], *others]

    def _better_half(self, values: dict[Setting, NDArray[np.float64]]) -> list[Setting]:
        default, *others = self._candidates_of(values)
        return [default, *others[: max(1, len(others) // 2)]]


def _als(replay: Replay, settings: AlsSettings, effort: Effort) -> Scorer:
    factors = ALS(settings, iterations=effort.iterations).fit(replay.preferences)
    products = factors.products.T
    return lambda users: factors.users[users] @ products


def _ease(replay: Replay, regressions: Ease, settings: EaseSettings) -> Scorer:
    weights = regressions.weights(settings.l2)
    return lambda users: (replay.binary[users] @ weights).toarray()


def _cooccurrence(replay: Replay, settings: CooccurrenceSettings) -> Scorer:
    """Without the products × products matrix, of which the users need but a few rows."""
    binary = replay.binary
    of_users = neighbours.degrees(binary, 1) ** -settings.user
    of_own, of_target = (
        (neighbours.degrees(binary, 0) ** -power).astype(np.float32)
        for power in (settings.own, settings.target)
    )
    transposed = csr_array(binary.T)

    def score(users: NDArray[np.int64]) -> Floats:
        own = binary[users]
        own.data = own.data * of_own[own.indices]
        alike = csr_array(own @ transposed)
        alike.data = (alike.data * of_users[alike.indices]).astype(np.float32)
        scores: Floats = (alike @ binary).toarray() * of_target
        return scores

    return score


def _words(settings: AlsSettings | CooccurrenceSettings | EaseSettings) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in asdict(settings).items())
