"""Candidate sources, and the one table of them: a new source is a file here and a line below."""

from collections.abc import Callable, Sequence

from recommender.engine.sources import neighbours, own_history, popular, spaces
from recommender.engine.sources.base import CandidateSource
from recommender.engine.store import CandidateStore

# Each makes the sources of its kind for a store.
SOURCES: list[Callable[[CandidateStore], Sequence[CandidateSource]]] = [
    spaces.sources,
    neighbours.sources,
    popular.sources,
    own_history.sources,
]


def of(store: CandidateStore) -> tuple[CandidateSource, ...]:
    """All sources that a store has something for."""
    return tuple(source for make in SOURCES for source in make(store))
