"""What a ranker learns from: candidates as of a split, and which of them were relevant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import features
from recommender.ranking.table import CandidateTable


class TooFewExamples(Exception):  # noqa: N818 - the name says that more of them will do
    """There is too little to learn a rank from; reciprocal-rank fusion needs nothing."""


# Fewer than these lists would be learnt by heart.
_FEWEST_REQUESTS = 50
# Of a request, more irrelevant candidates add time and no knowledge.
_MOST_IRRELEVANT = 100
_SEED = 20


@dataclass(frozen=True, slots=True)
class Examples:
    """The candidates of requests as of one split, and which of them were relevant."""

    table: CandidateTable
    labels: NDArray[np.int8]  # 1 if relevant, else 0; shape (candidates,)

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.table.products):
            raise ValueError(
                f"There are {len(self.labels)} labels for {len(self.table.products)} candidates; "
                "give one for each."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Features and labels of the candidates that are learnt from, one request after the other."""

    names: tuple[str, ...]
    features: NDArray[np.float32]  # shape (candidates, features); NaN where unknown
    labels: NDArray[np.int8]  # shape (candidates,)
    sizes: NDArray[np.int64]  # shape (requests,)


def sample(splits: Sequence[Examples]) -> Sample:
    """All relevant candidates and up to 100 others of each request that has any.

    The same examples give the same sample. Features are those within all of the request, so that
    they mean what they mean when it is ranked.

    Raises:
        TooFewExamples: fewer than 50 requests had a relevant candidate.
    """
    names = tuple(
        dict.fromkeys(name for split in splits for name in features.names(split.table.columns))
    )
    random = np.random.default_rng(_SEED)
    drawn = [part for split in splits for part in _drawn(split, names, random)]
    if len(drawn) < _FEWEST_REQUESTS:
        raise TooFewExamples(
            f"Only {len(drawn)} lists held a product that its user then chose; learning a rank "
            f"takes {_FEWEST_REQUESTS}. Train again when there is more history; until then "
            "reciprocal-rank fusion ranks."
        )
    return Sample(
        names=names,
        features=np.concatenate([matrix for matrix, _ in drawn]),
        labels=np.concatenate([labels for _, labels in drawn]),
        sizes=np.array([len(labels) for _, labels in drawn]),
    )


def _drawn(
    examples: Examples, names: tuple[str, ...], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int8]]]:
    """Features and labels of what is drawn of each request that has a relevant candidate."""
    for rows in features.requests(examples.table.sizes):
        labels = examples.labels[rows]
        if not labels.any():
            continue
        kept = labels > 0
        irrelevant = np.flatnonzero(~kept)
        kept[random.permutation(irrelevant)[:_MOST_IRRELEVANT]] = True
        yield features.matrix(examples.table.request(rows), names)[kept], labels[kept]
