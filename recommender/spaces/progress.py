"""How far a catalogue's embedding is, for whoever waits for it."""

from dataclasses import dataclass

from recommender.models import Catalog, Space
from recommender.spaces import index, staleness
from recommender.spaces.lifecycle import living


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the workers still have to do for a space."""

    space: Space
    products: int  # without a fresh vector
    unfinished: bool  # the index is due, or the profiles do not follow the vectors yet

    @property
    def done(self) -> bool:
        """Whether every product has its vector and the index is built."""
        return not self.products and not self.unfinished


def backlogs(catalog: Catalog) -> list[Backlog]:
    """The backlog of each living space of a catalogue."""
    return [backlog(space) for space in living().filter(catalog=catalog)]


def backlog(space: Space) -> Backlog:
    """The backlog of one living space."""
    return Backlog(space, staleness.count(space), _is_unfinished(space))


def _is_unfinished(space: Space) -> bool:
    return index.is_due(space) or space.embedded_at != space.profiles_at
