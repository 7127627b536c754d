"""Ways to find products by one SELECT each, run together: one round trip for all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast, overload

from psycopg import sql

from recommender import database

T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")

# A key, a text, a score, and whether more is said of it; what each is a way to find tells.
Row = tuple[int, str, float, bool]


@dataclass(frozen=True, slots=True)
class Lookup(Generic[T_co]):
    """A SELECT of rows of (bigint, text, float8, boolean), and what they are read as.

    Rows come by score, the highest first, ties by key. `query` is rendered, so that it is known
    again; "" finds nothing. Lookups of one statement have parameters of different names, or equal.
    """

    query: str
    parameters: Mapping[str, Any]
    read: Callable[[Sequence[Row]], T_co]

    def fetch(self) -> T_co:
        """What it finds, alone."""
        found: T_co = together(self)[0]
        return found


@overload
def together(
    first: Lookup[A], second: Lookup[B], third: Lookup[C], fourth: Lookup[D], /
) -> tuple[A, B, C, D]: ...
@overload
def together(*lookups: Lookup[Any]) -> tuple[Any, ...]: ...
def together(*lookups: Lookup[Any]) -> tuple[Any, ...]:
    """What each finds: one statement."""
    parameters: dict[str, Any] = {}
    for one in lookups:
        parameters |= one.parameters
    found: list[list[Row]] = [[] for _ in lookups]
    queries = tuple(one.query for one in lookups)
    if any(queries):
        for place, *row in database.fetch(_together(queries), parameters):
            found[place].append(cast(Row, tuple(row)))
    return tuple(
        one.read(sorted(rows, key=lambda row: (-row[2], row[0])))
        for one, rows in zip(lookups, found, strict=True)
    )


@lru_cache(maxsize=1000)
def _together(queries: tuple[str, ...]) -> bytes:
    parts = [
        sql.SQL("SELECT {}, found.* FROM ({}) found").format(sql.Literal(place), sql.SQL(query))
        for place, query in enumerate(queries)
        if query
    ]
    return sql.SQL(" UNION ALL ").join(parts).as_bytes(None)
