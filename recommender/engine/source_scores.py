"""What each source says of a product, proposed or not, beside what it proposes last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.pipeline import Pipeline, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSays:
    """What a source says of the product, beside the last that it proposes."""

    source: str
    proposed: int
    place: int | None  # in the best of its lists
    scores: Mapping[str, float]
    last_scores: Mapping[str, float]


def of_product(
    pipeline: Pipeline, context: UserContext, proposals: Sequence[Proposal], key: int
) -> list[SourceSays]:
    """What each source says of a product, and the last that it proposes that may be listed."""
    every = np.unique(np.concatenate([[key], *(one.products for one in proposals)]))
    candidates = pipeline.candidates_of(context, every.astype(np.int64))
    return [_says(one, candidates, key) for one in proposals]


def _says(proposal: Proposal, candidates: Candidates, key: int) -> SourceSays:
    places = [int(np.flatnonzero(keys == key)[0]) + 1 for keys in proposal.lists if key in keys]
    longest = max(proposal.lists, key=len, default=np.zeros(0, dtype=np.int64))
    known = longest[np.isin(longest, candidates.table.products)]
    return SourceSays(
        source=proposal.source.name,
        proposed=len(proposal.products),
        place=min(places, default=None),
        scores=_scores(proposal, candidates, key),
        last_scores=_scores(proposal, candidates, int(known[-1])) if len(known) else {},
    )


def _scores(proposal: Proposal, candidates: Candidates, key: int) -> dict[str, float]:
    """By the names of the source's own scores."""
    return {
        column.rpartition(":")[2]: float(candidates.table[column][row])
        for row in np.flatnonzero(candidates.table.products == key)
        for column in proposal.source.columns
    }
