"""A ranker of trees: LambdaMART, learnt for the order of the best places."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray

from recommender.arrays import array_of_bytes, pack_arrays, unpack_arrays
from recommender.ranking import prior
from recommender.ranking.features import Sample
from recommender.ranking.ranker import Contributions, LearntRanker, Scored, group_by_signal

_TREES = 100
# As good as 15 leaves at half the rate, and a third faster: a request pays for every level. A leaf
# is a bit of a byte.
_MOST_LEAVES = 8
_PARAMETERS = {
    "objective": "lambdarank",
    "learning_rate": 0.1,
    "num_leaves": _MOST_LEAVES,
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


_ALL_LEAVES = 0xFF
# By a set of leaves, the first in it.
_FIRST_LEAF = np.array([max(0, (leaves & -leaves).bit_length() - 1) for leaves in range(256)])
# So many candidates at a time: what all nodes say of them stays in the processor's cache.
_AT_A_TIME = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Forest:
    """All trees as arrays, one step of all of them at once (QuickScorer, Lucchese et al. 2015).

    A node where a candidate goes right rules out the leaves to its left. The first leaf that no
    node rules out, counted from the left, is the one reached.
    """

    inputs: NDArray[np.intp]  # rows of `_with_unknown`, shape (nodes of a tree, trees)
    thresholds: NDArray[np.float32]  # at most this goes left, shape (nodes, trees, 1)
    kept: NDArray[np.uint8]  # leaves that going right does not rule out, shape (nodes, trees, 1)
    values: NDArray[np.float64]  # by tree, of the first leaf by what is kept, shape (trees × 256,)
    signals: NDArray[np.float64]  # what leaves give to each signal, shape (trees × 8, signals)
    numbers: NDArray[np.int64]  # of the trees, shape (trees, 1)

    def scores(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sums of what the reached leaves say, shape (candidates,)."""
        # One tree after the other, as LightGBM adds them up.
        given = self.values.take(256 * self.numbers + self._kept(matrix))
        sums: NDArray[np.float64] = given.sum(axis=0)
        return sums

    def contributions(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """Sums of what the reached leaves give to each signal, shape (candidates, signals)."""
        leaves = _MOST_LEAVES * self.numbers + _FIRST_LEAF.take(self._kept(matrix))
        sums: NDArray[np.float64] = self.signals[leaves].sum(axis=0)
        return sums

    def _kept(self, matrix: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The leaves that no node rules out, shape (trees, candidates)."""
        inputs = _with_unknown(np.ascontiguousarray(matrix.T)).take(self.inputs, axis=0)
        # All leaves where it goes left. `np.where` takes sixty times as long.
        kept = np.negative((inputs <= self.thresholds).view(np.int8)).view(np.uint8)
        kept |= self.kept
        of_trees: NDArray[np.uint8] = np.bitwise_and.reduce(kept, axis=0)
        return of_trees


def _with_unknown(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inputs twice: what is unknown is right of all thresholds first, then left of them.

    Args:
        inputs: shape (inputs, candidates), NaN where unknown.
    """
    unknown = np.isnan(inputs)
    right, left = (np.where(unknown, np.float32(side), inputs) for side in (np.inf, -np.inf))
    return np.concatenate([right, left])


@dataclass(frozen=True, slots=True, eq=False)
class LambdaMartRanker(LearntRanker):
    """The sum of what the leaves say that a candidate falls into."""

    kind: ClassVar[str] = "lambdamart"

    names: tuple[str, ...]
    model: str  # in LightGBM's text format
    # What a score gains for each unit of a feature beside the trees; shape (inputs,).
    held: NDArray[np.float64]
    _signals: tuple[str, ...] = field(init=False, repr=False)
    _forest: _Forest = field(init=False, repr=False)
    _grouping: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        signals, places = group_by_signal(self.names)
        trees = lightgbm.Booster(model_str=self.model).dump_model()["tree_info"]
        object.__setattr__(self, "_signals", signals)
        object.__setattr__(self, "_forest", _forest(trees, places))
        object.__setattr__(self, "_grouping", places)

    def scored_features(self, matrix: NDArray[np.float32]) -> Scored:
        """A signal's contribution is the sum of its features' steps on the paths to the leaves.

        As Saabas 2014 takes predictions apart ("Interpreting random forests"): a step is the
        difference of a node's mean to its parent's. A path depends on its leaf alone, so what each
        leaf gives is worked out once.
        """
        forest, told = self._forest, np.flatnonzero(self.held)

        def contributions(rows: NDArray[np.int64]) -> Contributions:
            values = forest.contributions(matrix[rows])
            values += (matrix[np.ix_(rows, told)] * self.held[told]) @ self._grouping[told]
            return Contributions(self._signals, values)

        parts = range(0, len(matrix), _AT_A_TIME)
        scores = [forest.scores(matrix[start : start + _AT_A_TIME]) for start in parts]
        of_trees = np.concatenate([np.zeros(0), *scores])
        return Scored(of_trees + prior.scores(self.held, matrix), contributions)

    def to_bytes(self) -> bytes:
        model = array_of_bytes(self.model.encode())
        return pack_arrays({"names": np.array(self.names), "model": model, "held": self.held})

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        stored = unpack_arrays(data)
        names = tuple(stored["names"].tolist())
        # Before dislikes were told, nothing was held.
        held = stored["held"] if "held" in stored else np.zeros(len(names))
        return cls(names, stored["model"].tobytes().decode(), held.astype(np.float64))


def fit(sample: Sample) -> LambdaMartRanker:
    """LambdaMART (Burges 2010) by LightGBM; the same sample gives the same trees."""
    least = int(np.clip(len(sample.labels) // 100, _LEAST_IN_LEAF, _MOST_IN_LEAF))
    held, directions = prior.slopes(sample), prior.directions(sample.names)
    before = prior.scores(held, sample.features)
    dataset = lightgbm.Dataset(
        sample.features, sample.labels, group=sample.sizes, init_score=before
    )
    constraints = {"monotone_constraints": directions} if any(directions) else {}
    parameters = {**_PARAMETERS, "min_data_in_leaf": least, **constraints}
    booster = lightgbm.train(parameters, dataset, num_boost_round=_TREES)
    return LambdaMartRanker(sample.names, booster.model_to_string(), held)


def _forest(trees: Sequence[dict[str, Any]], places: NDArray[np.float64]) -> _Forest:
    """LightGBM's trees as arrays.

    Args:
        places: which input belongs to which signal, shape (inputs, signals).

    Raises:
        ValueError: a tree has more than 8 leaves.
    """
    shape = (_MOST_LEAVES - 1, len(trees))
    # Nodes that a tree does not have send everything left.
    inputs = np.zeros(shape, dtype=np.intp)
    thresholds = np.full(shape, np.inf, dtype=np.float32)
    kept = np.full(shape, _ALL_LEAVES, dtype=np.uint8)
    values = np.zeros((len(trees), _MOST_LEAVES))
    signals = np.zeros((len(trees), _MOST_LEAVES, places.shape[1]))
    for tree, described in enumerate(trees):
        nodes, leaves = _walked(described["tree_structure"], places)
        if len(leaves) > _MOST_LEAVES:
            raise ValueError(f"A tree has {len(leaves)} leaves, but at most {_MOST_LEAVES} fit.")
        for row, (value, given) in enumerate(leaves):
            values[tree, row], signals[tree, row] = value, given
        for row, (node, first, end) in enumerate(nodes):
            inputs[row, tree] = node["split_feature"] + _unknown_goes_left(node) * len(places)
            thresholds[row, tree] = _at_most(node["threshold"])
            kept[row, tree] = _ALL_LEAVES ^ ((1 << end) - (1 << first))
    return _Forest(
        inputs=inputs,
        thresholds=thresholds[..., None],
        kept=kept[..., None],
        values=values[:, _FIRST_LEAF].reshape(-1),
        signals=signals.reshape(-1, places.shape[1]),
        numbers=np.arange(len(trees))[:, None],
    )


def _unknown_goes_left(node: dict[str, Any]) -> bool:
    """Where a node has seen nothing unknown, that is 0 to it."""
    if node["missing_type"] == "None":
        return bool(node["threshold"] >= 0)
    return bool(node["default_left"])


def _at_most(threshold: float) -> float:
    """The largest single-precision number that is not above a threshold."""
    largest = float(np.finfo(np.float32).max)
    nearest = float(np.float32(min(max(threshold, -largest), largest)))
    if nearest > threshold:
        nearest = float(np.nextafter(np.float32(nearest), np.float32(-np.inf)))
    return nearest


_Node = tuple[dict[str, Any], int, int]  # and the first leaf to its left, and the end of those
_Leaf = tuple[float, NDArray[np.float64]]  # its value, and what it contributes to each signal


def _walked(
    root: dict[str, Any], places: NDArray[np.float64]
) -> tuple[Sequence[_Node], Sequence[_Leaf]]:
    """The nodes and the leaves of a tree, from the left."""
    nodes: list[_Node] = []
    leaves: list[_Leaf] = []

    def walk(node: dict[str, Any], given: NDArray[np.float64]) -> None:
        if "split_feature" not in node:
            leaves.append((node["leaf_value"], given))
            return
        first = len(leaves)
        walk(node["left_child"], given + step(node, node["left_child"]))
        nodes.append((node, first, len(leaves)))
        walk(node["right_child"], given + step(node, node["right_child"]))

    def step(node: dict[str, Any], child: dict[str, Any]) -> NDArray[np.float64]:
        value = child.get("internal_value", child.get("leaf_value"))
        change: NDArray[np.float64] = (value - node["internal_value"]) * places[
            node["split_feature"]
        ]
        return change

    start = np.zeros(places.shape[1])
    start[0] = root.get("internal_value", root.get("leaf_value"))  # the base is first
    walk(root, start)
    return nodes, leaves
