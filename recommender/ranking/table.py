"""Candidates as one table of columns: what sources and features fill, and what a ranker ranks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Columns:
    """The names of a table's columns: scores of sources first, then features.

    Of a score only the order and spread within a request mean something, such as
    "text:text:short_term"; 0 where a source has nothing to say. A feature means the same in every
    request, such as "product:age"; NaN where it is not known. The word before the first colon
    names the contribution of an explanation that a column belongs to: text, image, multimodal,
    behaviour, together, popular, repeat, refused, product or user.
    """

    scores: tuple[str, ...]
    features: tuple[str, ...]

    @cached_property
    def places(self) -> Mapping[str, int]:
        """The row of the table's values that holds each column."""
        return {name: place for place, name in enumerate((*self.scores, *self.features))}


@lru_cache(maxsize=1000)
def columns(scores: tuple[str, ...], features: tuple[str, ...]) -> Columns:
    """The columns of these names, made once.

    Raises:
        ValueError: two columns have one name.
    """
    made = Columns(scores, features)
    if len(made.places) != len(scores) + len(features):
        raise ValueError(f"Column names must be distinct: {', '.join((*scores, *features))}.")
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateTable:
    """The candidates of one or many requests, one request after the other."""

    sizes: NDArray[np.int64]  # candidates of each request, shape (requests,)
    products: NDArray[np.int64]  # keys, shape (candidates,)
    columns: Columns
    values: Floats  # shape (columns, candidates)

    def __post_init__(self) -> None:
        if int(self.sizes.sum()) != len(self.products):
            raise ValueError(
                f"The requests have {int(self.sizes.sum())} candidates, but there are "
                f"{len(self.products)} products."
            )
        shape = (len(self.columns.places), len(self.products))
        if self.values.shape != shape:
            raise ValueError(f"The values have shape {self.values.shape}, not {shape}.")

    @property
    def scores(self) -> Floats:
        """The scores of all sources, shape (scores, candidates)."""
        return self.values[: len(self.columns.scores)]

    def __getitem__(self, name: str) -> Floats:
        """One column, shape (candidates,); a view."""
        column: Floats = self.values[self.columns.places[name]]
        return column

    def __setitem__(self, name: str, values: NDArray[np.floating] | float) -> None:
        """Fill one column, in place."""
        self.values[self.columns.places[name]] = values

    def request(self, rows: slice) -> "CandidateTable":
        """One request of the table, as a view."""
        return CandidateTable(
            sizes=np.array([rows.stop - rows.start], dtype=np.int64),
            products=self.products[rows],
            columns=self.columns,
            values=self.values[:, rows],
        )

    def scores_alone(self) -> "CandidateTable":
        """The same candidates without features, as a view."""
        return CandidateTable(
            sizes=self.sizes,
            products=self.products,
            columns=columns(self.columns.scores, ()),
            values=self.scores,
        )


def empty(names: Columns, products: NDArray[np.int64]) -> CandidateTable:
    """The table of one request, of which every column is 0."""
    return CandidateTable(
        sizes=np.array([len(products)], dtype=np.int64),
        products=products,
        columns=names,
        values=np.zeros((len(names.places), len(products)), dtype=np.float32),
    )


def concatenated(tables: Sequence[CandidateTable]) -> CandidateTable:
    """Several requests as one table.

    Raises:
        ValueError: the tables have different columns.
    """
    if not tables:
        nothing = np.zeros(0, dtype=np.int64)
        return CandidateTable(
            sizes=nothing,
            products=nothing,
            columns=columns((), ()),
            values=np.zeros((0, 0), dtype=np.float32),
        )
    if any(table.columns != tables[0].columns for table in tables):
        raise ValueError("Tables can be concatenated only if they have the same columns.")
    return CandidateTable(
        sizes=np.concatenate([table.sizes for table in tables]),
        products=np.concatenate([table.products for table in tables]),
        columns=tables[0].columns,
        values=np.concatenate([table.values for table in tables], axis=1),
    )
