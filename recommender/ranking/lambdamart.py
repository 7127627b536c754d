"""A ranker of trees: LambdaMART, learnt for the order of the best places."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.arrays import array_of_bytes, pack_arrays, unpack_arrays
from recommender.ranking.features import Sample
from recommender.ranking.ranker import Contributions, LearntRanker, Scored, group_by_signal

# As good as 15 leaves at half the rate, and a third faster: a request pays for every level.
_TREES = 100
_PARAMETERS = {
    "objective": "lambdarank",
    "learning_rate": 0.1,
    "num_leaves": 8,
    "lambdarank_truncation_level": 30,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    # Threads of OpenMP wait busily for each other: two halve the time on an idle machine, but take
    # several times as long where anything else runs.
    "num_threads": 1,
    "seed": 20,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
# A leaf holds a hundredth of the examples, between these bounds.
_LEAST_IN_LEAF, _MOST_IN_LEAF = 5, 200


@dataclass(frozen=True, slots=True, eq=False)
class LambdaMartRanker(LearntRanker):
    """The sum of what the leaves say that a candidate falls into."""

    kind: ClassVar[str] = "lambdamart"

    names: tuple[str, ...]
    model: str  # in LightGBM's text format
    _booster: lightgbm.Booster = field(init=False, repr=False)
    _signals: tuple[str, ...] = field(init=False, repr=False)
    # What each leaf contributes to each signal, shape (leaves of all trees, signals).
    _leaves: NDArray[np.float64] = field(init=False, repr=False)
    _first: NDArray[np.int64] = field(init=False, repr=False)  # row of each tree's first leaf

    def __post_init__(self) -> None:
        booster = lightgbm.Booster(model_str=self.model)
        signals, places = group_by_signal(self.names)
        trees = [_leaves(tree, places) for tree in booster.dump_model()["tree_info"]]
        sizes = np.array([len(tree) for tree in trees], dtype=np.int64)
        object.__setattr__(self, "_booster", booster)
        object.__setattr__(self, "_signals", signals)
        object.__setattr__(self, "_leaves", np.concatenate([np.zeros((0, len(signals))), *trees]))
        object.__setattr__(self, "_first", np.cumsum(sizes) - sizes)

    def scored_features(self, matrix: NDArray[np.float32]) -> Scored:
        """A signal's contribution is the sum of its features' steps on the paths to the leaves.

        As Saabas 2014 takes predictions apart ("Interpreting random forests"): a step is the
        difference of a node's mean to its parent's. A path depends on its leaf alone, so what each
        leaf gives is worked out once.
        """

        def contributions(rows: NDArray[np.int64]) -> Contributions:
            if not len(rows) or not len(self._first):
                return Contributions(self._signals, np.zeros((len(rows), len(self._signals))))
            reached = self._booster.predict(matrix[rows], pred_leaf=True, num_threads=1)
            places = np.asarray(reached, dtype=np.int64) + self._first
            return Contributions(self._signals, self._leaves[places].sum(axis=1))

        if not len(matrix):
            return Scored(np.zeros(0), contributions)
        # One thread: waking a second takes longer than a request's few hundred candidates.
        scores = self._booster.predict(matrix, num_threads=1)
        return Scored(np.asarray(scores, dtype=np.float64), contributions)

    def to_bytes(self) -> bytes:
        model = array_of_bytes(self.model.encode())
        return pack_arrays({"names": np.array(self.names), "model": model})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        stored = unpack_arrays(data)
        return cls(tuple(stored["names"].tolist()), stored["model"].tobytes().decode())


def fit(sample: Sample) -> LambdaMartRanker:
    """LambdaMART (Burges 2010) by LightGBM; the same sample gives the same trees."""
    least = int(np.clip(len(sample.labels) // 100, _LEAST_IN_LEAF, _MOST_IN_LEAF))
    dataset = lightgbm.Dataset(sample.features, sample.labels, group=sample.sizes)
    parameters = {**_PARAMETERS, "min_data_in_leaf": least}
    booster = lightgbm.train(parameters, dataset, num_boost_round=_TREES)
    return LambdaMartRanker(sample.names, booster.model_to_string())


def _leaves(tree: dict[str, Any], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each leaf of a tree contributes to each signal, shape (leaves, signals)."""
    result = np.zeros((tree["num_leaves"], places.shape[1]))
    root = tree["tree_structure"]
    start = np.zeros(places.shape[1])
    start[0] = root.get("internal_value", root.get("leaf_value"))  # the base is first
    for leaf, given in _paths(root, start, places):
        result[leaf] = given
    return result


def _paths(
    node: dict[str, Any], given: NDArray[np.float64], places: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """The leaves below a node and what was given on the way to each."""
    if "split_feature" not in node:
        yield node.get("leaf_index", 0), given
        return
    for child in (node["left_child"], node["right_child"]):
        value = child.get("internal_value", child.get("leaf_value"))
        step = (value - node["internal_value"]) * places[node["split_feature"]]
        yield from _paths(child, given + step, places)
