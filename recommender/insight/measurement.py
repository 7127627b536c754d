"""One method's lists against what users then did. Numbers in, numbers out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.insight import beyond_accuracy
from recommender.insight.beyond_accuracy import EMPTY
from recommender.insight.evaluation_result import Kind, MethodResult
from recommender.ranking import metrics
from recommender.ranking.metrics import Accuracy, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """What all methods' lists are measured against, as of the cut-off.

    Users are rows 0 … users − 1 and products columns 0 … products − 1; whoever calls maps ids to
    them, and every method's lists are in the same order of users.

    k: how many places a list has.
    relevant: for each user the relevant products, distinct columns, at least one.
    history: users × products, stored where the user had had the product; values do not matter.
    ages: days since each product was first touched, float64, shape (products,); NaN for never.
    popularity: how many of the training users had each product, int64, shape (products,).
    training_users: how many users there were, tested or not.
    listable: bool, shape (products,): what a list could hold; coverage is a share of these.
    vectors: unit rows of a content space, float32, shape (products, dimension), a row of zeros
        where a product has none; None without such a space: lists then have no diversity.

    Raises:
        ValueError: the shapes do not agree, a user has no relevant product, or k is below 1.
    """

    k: int
    relevant: Sequence[NDArray[np.int64]]
    history: csr_array
    ages: NDArray[np.float64]
    popularity: NDArray[np.int64]
    training_users: int
    listable: NDArray[np.bool_]
    vectors: NDArray[np.float32] | None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be 1 or more, not {self.k}.")
        if self.history.shape != (len(self.relevant), len(self.listable)):
            raise ValueError(
                f"The history is {self.history.shape}: it must have a row for each of the "
                f"{len(self.relevant)} users and a column for each of {len(self.listable)} "
                "products."
            )
        columns = [self.ages, self.popularity] + ([] if self.vectors is None else [self.vectors])
        if any(len(column) != len(self.listable) for column in columns):
            raise ValueError("ages, popularity, listable and vectors must have a row a product.")
        if not all(len(products) for products in self.relevant):
            raise ValueError("Each user needs at least one relevant product: leave the others out.")

    @property
    def relevance(self) -> csr_array:
        """The relevant products as users × products of ones."""
        bounds = np.cumsum([0, *(len(products) for products in self.relevant)])
        columns = np.concatenate([np.empty(0, np.int64), *self.relevant])
        return csr_array((np.ones(len(columns)), columns, bounds), shape=self.history.shape)


def measure(
    name: str,
    kind: Kind,
    lists: Sequence[NDArray[np.int64]],
    test: TestSet,
    *,
    seconds: float | None = None,
    note: str = "",
) -> MethodResult:
    """All metrics of one method.

    Args:
        lists: for each user the columns of what was listed, best first and distinct; what is below
            k does not count, and a list may be shorter.

    Raises:
        ValueError: there is not one list a user, or a list holds a product twice or one that is no
            column.
    """
    places = _places(lists, test)
    hits = _hits(places, test)
    accuracy = metrics.accuracy(
        hits, np.array([len(products) for products in test.relevant], np.int64)
    )
    return MethodResult(
        name=name,
        kind=kind,
        metrics=_metrics(places, accuracy, test),
        by_history=beyond_accuracy.by_history(accuracy, np.diff(test.history.indptr)),
        by_age=beyond_accuracy.by_age(places, hits, test.relevance, test.ages),
        seconds=seconds,
        note=note,
    )


def _places(lists: Sequence[NDArray[np.int64]], test: TestSet) -> NDArray[np.int64]:
    """The lists as one matrix, shape (users, k), padded with −1."""
    if len(lists) != len(test.relevant):
        raise ValueError(f"{len(lists)} lists for {len(test.relevant)} users: give each user one.")
    lengths = np.array([min(len(columns), test.k) for columns in lists], np.int64)
    places = np.full((len(lists), test.k), EMPTY, np.int64)
    filled = np.arange(test.k) < lengths[:, None]
    places[filled] = np.concatenate(
        [np.empty(0, np.int64), *(columns[: test.k] for columns in lists)]
    )
    listed = places[filled]
    if np.any((listed < 0) | (listed >= len(test.listable))):
        raise ValueError(f"A list holds what is no column of the {len(test.listable)} products.")
    ordered = np.sort(places, axis=1)
    if np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != EMPTY)):
        raise ValueError("A list holds a product twice: each place needs a product of its own.")
    return places


def _hits(places: NDArray[np.int64], test: TestSet) -> NDArray[np.bool_]:
    """Which places hold a product relevant to their user, shape (users, k)."""
    products = len(test.listable)
    rows = np.arange(len(places))[:, None] * products
    relevance = test.relevance.tocoo()
    keys = relevance.row.astype(np.int64) * products + relevance.col
    hits: NDArray[np.bool_] = (places != EMPTY) & np.isin(rows + places, keys)
    return hits


def _metrics(
    places: NDArray[np.int64], accuracy: Accuracy, test: TestSet
) -> dict[str, Interval | None]:
    columns = {
        "ndcg": accuracy.ndcg,
        "recall": accuracy.recall,
        "mrr": accuracy.mrr,
        "hit_rate": accuracy.hit_rate,
        "novelty": beyond_accuracy.novelty(places, test.popularity, test.training_users),
        "popularity_bias": beyond_accuracy.popularity_lift(places, test.history, test.popularity),
    }
    if test.vectors is not None:
        columns["diversity"] = beyond_accuracy.diversity(places, test.vectors)
    measured = metrics.intervals(np.column_stack(list(columns.values())))
    return {
        "diversity": None,
        **dict(zip(columns, measured, strict=True)),
        "coverage": beyond_accuracy.coverage(places, test.listable),
    }
