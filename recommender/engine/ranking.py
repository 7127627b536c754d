"""From the channels' candidates to one ranked list. Numbers in, numbers out.

Knows neither Django nor the tables, so that live answers, batches and replay rank alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

# Cormack, Clarke & Büttcher 2009 found 60 to be right over many collections.
_RRF_K = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that a channel proposes, with the channel's own score and what led to it."""

    id: str
    score: float
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A product in its place; the parts, one a channel, add up to the score."""

    id: str
    score: float
    parts: Mapping[str, float]
    because: tuple[str, ...]

    @property
    def channel(self) -> str:
        """The channel that did most for it."""
        return max(self.parts, key=lambda name: self.parts[name])


def pool(proposals: Iterable[tuple[str, float, str | None]]) -> list[Candidate]:
    """One channel's list from several searches: a product's scores add up, best first.

    Args:
        proposals: (id, score, because); the search that gave most names what led here.
    """
    totals: dict[str, float] = {}
    strongest: dict[str, tuple[float, str | None]] = {}
    for product, score, because in proposals:
        totals[product] = totals.get(product, 0.0) + score
        if product not in strongest or score > strongest[product][0]:
            strongest[product] = (score, because)
    ordered = sorted(totals, key=lambda product: (-totals[product], product))
    return [Candidate(product, totals[product], strongest[product][1]) for product in ordered]


def reciprocal_rank(rank: int) -> float:
    """What a place in one list is worth; the first has rank 1."""
    return 1.0 / (_RRF_K + rank)


def fuse(channels: Mapping[str, Sequence[Candidate]], count: int) -> list[Ranked]:
    """The best `count` products by reciprocal-rank fusion (Cormack, Clarke & Büttcher 2009).

    A channel gives its n-th candidate 1 / (60 + n): no channel's scale drowns another's, and
    what several channels propose rises.

    Args:
        channels: by name, candidates best first.
    """
    parts: dict[str, dict[str, float]] = {}
    because: dict[str, dict[str, None]] = {}
    for name, candidates in channels.items():
        for rank, candidate in enumerate(candidates, start=1):
            parts.setdefault(candidate.id, {})[name] = reciprocal_rank(rank)
            if candidate.because is not None:
                because.setdefault(candidate.id, {})[candidate.because] = None
    # fsum: the order of the channels must not decide, by a rounding, between equal products.
    scores = {product: fsum(each.values()) for product, each in parts.items()}
    ordered = sorted(scores, key=lambda product: (-scores[product], product))
    return [
        Ranked(product, scores[product], parts[product], tuple(because.get(product, ())))
        for product in ordered[:count]
    ]
