"""The lists that need no history: what they propose, and what a place in one is worth."""

from dataclasses import dataclass

# Cormack, Clarke & Büttcher 2009 found 60 to be right over many collections.
_RRF_K = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that a list proposes, with the list's own score."""

    id: str
    score: float


def reciprocal_rank(rank: int) -> float:
    """What a place in one list is worth; the first has rank 1."""
    return 1.0 / (_RRF_K + rank)
