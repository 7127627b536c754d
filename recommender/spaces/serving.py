"""What a search needs to know of the space that serves, and what to do when it goes away."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from django.db import ProgrammingError, connection, transaction

from recommender.models import Space

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServingSpace:
    """A space as the engine sees it: where its vectors are and how to search them."""

    pk: int
    catalog_id: int
    name: str
    version: int
    dimension: int
    ef_search: int
    indexed_rows: int
    kind: str
    metric: str
    # When a vector was last written, seconds since 1970; written anew, it is the same space.
    embedded_at: float | None = field(compare=False)

    @property
    def label(self) -> str:
        """The name an answer gives it, such as `text@3`."""
        return f"{self.name}@{self.version}"


# The columns of recommender_space that make a ServingSpace, in its order.
COLUMNS = (
    "s.id, s.catalog_id, s.name, s.version, s.dimension, s.ef_search, s.indexed_rows, s.kind, "
    "s.metric, extract(epoch FROM s.embedded_at)::float8"
)


def serving(space: Space) -> ServingSpace:
    """A row as the engine sees it."""
    return ServingSpace(
        space.pk,
        space.catalog_id,
        space.name,
        space.version,
        space.dimension,
        space.ef_search,
        space.indexed_rows,
        space.kind,
        space.metric,
        space.embedded_at.timestamp() if space.embedded_at else None,
    )


def answered(answer: Callable[[], T]) -> T:
    """What `answer` returns, which finds the space that serves and then searches it.

    A space may be switched from and retired between the two. Its tables are gone then, and the
    answer is made once more from the start: of the space that serves now, and of no other.
    """
    try:
        # In a transaction the first try must be undone; without one there is nothing to undo.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return answer()
    except ProgrammingError as exc:
        if not isinstance(exc.__cause__, psycopg.errors.UndefinedTable):
            raise
    return answer()
