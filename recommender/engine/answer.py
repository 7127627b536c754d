"""What is asked of the engine and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from recommender.engine.candidates import Cause
from recommender.retrieval.filters import Filter

# Which of the user's own products an answer leaves out.
SEEN, PURCHASED = "seen", "purchased"

MAX_COUNT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked, checked."""

    count: int
    filter: Filter | None = None
    fields: tuple[str, ...] = ()
    exclude: frozenset[str] = frozenset({SEEN})
    before: datetime | None = None  # only history strictly before this time counts
    named: bool = False  # whether explanations name products by title


@dataclass(frozen=True, slots=True)
class Item:
    """One product of an answer, and why it is there; the contributions add up to the score."""

    id: str
    score: float
    source: str  # what contributes most
    contributions: Mapping[str, float]
    because: tuple[str, ...] = ()  # the user's own products that gave most to the score
    interest: str | None = None  # the own product that stands for the interest nearest to it
    fields: Mapping[str, Any] = field(default_factory=dict)
    cause: Cause | None = None  # the product that the one reason given names: itself, if had before

    def because_of(
        self, causes: Sequence[Cause], interest: Cause | None, itself: Cause | None
    ) -> "Item":
        """The same item with the own products that led to it.

        Args:
            itself: the item, where the user had it before: no other reason is plainer.
        """
        return replace(
            self,
            because=tuple(cause.id for cause in causes),
            interest=None if interest is None else interest.id,
            cause=itself or next(iter(causes), None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A list of items, and whether and why it is not all that was asked for."""

    items: tuple[Item, ...]
    spaces: tuple[str, ...] = ()
    complete: bool = True
    reason: str | None = None
    missing_ids: tuple[str, ...] = ()
    fallback: str | None = None


class UnknownProductError(LookupError):
    """The catalog has no product of this id."""


class UnknownFieldError(ValueError):
    """`fields` names something that products do not have."""
