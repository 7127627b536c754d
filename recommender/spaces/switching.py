"""Which version of a space serves: how far one is, switching to another, and back.

A switch is one transaction.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone
from psycopg import sql

from embeddings.types import Output
from recommender import database
from recommender.models import Catalog, Product, QuarantinedProduct, Space
from recommender.spaces import index, partitions, staleness
from recommender.spaces.lifecycle import active_space, living, lock_spaces
from recommender.spaces.partitions import SpaceError


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
    """The backlog of each living space of a catalog."""
    return [backlog(space) for space in living().filter(catalog=catalog)]


def backlog(space: Space) -> Backlog:
    """The backlog of one living space."""
    return Backlog(space, staleness.count(space), _is_unfinished(space))


def _is_unfinished(space: Space) -> bool:
    return index.is_due(space) or space.embedded_at != space.profiles_at


_COUNT = sql.SQL("""
SELECT count(*),
    count(*) FILTER (WHERE NOT {is_stale}),
    count(*) FILTER (WHERE v.product_id IS NULL)
FROM recommender_product p LEFT JOIN {vectors} v ON v.product_id = p.id
WHERE p.catalog_id = %s AND p.deleted_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Products of the catalog, and how many of them the space has dealt with.

    `fresh` ones have the vector of their present content, or none because they are quarantined or
    have nothing to embed; `missing` ones were never dealt with.
    """

    products: int
    fresh: int
    missing: int
    quarantined: int

    @property
    def share(self) -> float:
        """The part of the products that is fresh, 0 to 1; all of none."""
        return self.fresh / self.products if self.products else 1.0


def coverage(space: Space) -> Coverage:
    """What a space covers now; nothing where it is retired."""
    if space.status == Space.Status.RETIRED:
        products = Product.objects.filter(catalog=space.catalog_id, deleted_at=None).count()
        return Coverage(products, 0, products, 0)
    vectors = partitions.product_vectors(space.pk)
    query = _COUNT.format(vectors=vectors, is_stale=staleness.IS_STALE)
    products, fresh, missing = database.fetch(query, (space.catalog_id,))[0]
    quarantined = QuarantinedProduct.objects.filter(space=space.pk).count()
    return Coverage(products, fresh, missing, quarantined)


def activate(space: Space, *, force: bool = False) -> None:
    """Have a version serve, at once and whole; the one that did is kept as a standby.

    Args:
        force: even while products lack a vector or the index is not built.

    Raises:
        SpaceError: it is not ready, it is retired, or it serves already.
    """
    with transaction.atomic():
        lock_spaces(space.catalog_id)
        space.refresh_from_db()
        _check_can_serve(space)
        if not force:
            _check_is_ready(space)
        _switch_to(space)


def rollback(catalog: Catalog, name: str = "text") -> Space:
    """Have the version serve that did before; the one that serves is kept as a standby.

    Whatever changed meanwhile is stale in it: the caller has it embedded.

    Raises:
        SpaceError: no version of that name served before, or it is retired.
    """
    with transaction.atomic():
        lock_spaces(catalog.pk)
        standbys = Space.objects.filter(catalog=catalog, name=name, status=Space.Status.STANDBY)
        before = standbys.order_by("-activated_at").first()
        if before is None:
            raise SpaceError(
                f"There is no version of {name!r} to go back to: none served before the one that "
                "does, or it is retired. Build one with `./kinship space create`, or `./kinship "
                "train` for a space of behaviour."
            )
        _switch_to(before)
    return before


def _check_can_serve(space: Space) -> None:
    if space.status == Space.Status.RETIRED:
        raise SpaceError(f"{space} is retired: its vectors are gone. Create a new version.")
    if space.status == Space.Status.ACTIVE:
        raise SpaceError(f"{space} serves already.")
    serving = active_space(space.catalog_id, space.name)
    if serving and Output(serving.output).is_dense and not Output(space.output).is_dense:
        raise SpaceError(
            f"{space} has sparse vectors only, and nothing can be recommended by those. Create a "
            "version with --output 'dense&sparse'."
        )


def _check_is_ready(space: Space) -> None:
    covered = coverage(space)
    how = f"`./kinship space build {space} --catalog {space.catalog} --wait`"
    if covered.missing:
        paused = f" Embedding is paused: {space.paused_reason}" if space.paused_reason else ""
        raise SpaceError(
            f"{space} has no vector yet for {covered.missing:,} of {covered.products:,} products."
            f"{paused} Finish it with {how}, or switch all the same with --force."
        )
    if index.is_due(space):
        raise SpaceError(
            f"{space} has no index yet that fits it, so its answers would be slow. Finish it with "
            f"{how}, or switch all the same with --force."
        )


def _switch_to(space: Space) -> None:
    """Within a transaction, so that every statement of others sees one active version."""
    versions = Space.objects.filter(catalog=space.catalog_id, name=space.name)
    versions.filter(status=Space.Status.ACTIVE).update(
        status=Space.Status.STANDBY, paused_reason="", paused_at=None
    )
    space.status, space.activated_at = Space.Status.ACTIVE, timezone.now()
    space.save(update_fields=["status", "activated_at"])


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
SERVING_COLUMNS = (
    "s.id, s.catalog_id, s.name, s.version, s.dimension, s.ef_search, s.indexed_rows, s.kind, "
    "s.metric, extract(epoch FROM s.embedded_at)::float8"
)


_SERVES = sql.SQL("""EXISTS (
    SELECT FROM recommender_space s WHERE s.id = {id} AND s.status = 'active' AND s.name = {name}
    AND s.ef_search = {ef_search} AND s.indexed_rows = {indexed_rows})""")


def still_serves(space: ServingSpace) -> sql.Composed:
    """The SQL of whether a space serves as it did; the rest of it never changes."""
    return _SERVES.format(
        id=sql.Literal(space.pk),
        name=sql.Literal(space.name),
        ef_search=sql.Literal(space.ef_search),
        indexed_rows=sql.Literal(space.indexed_rows),
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


def answered(answer: Callable[[], T], again: Callable[[], T] | None = None) -> T:
    """What `answer` returns, which finds the space that serves and then searches it.

    A space may be switched from and retired between the two. Its tables are gone then, and the
    answer is made once more from the start: of the space that serves now, and of no other.

    Args:
        again: what makes it then, where `answer` remembers the space.
    """
    try:
        # In a transaction the first try must be undone; without one there is nothing to undo.
        with transaction.atomic() if connection.in_atomic_block else nullcontext():
            return answer()
    except ProgrammingError as exc:
        if not isinstance(exc.__cause__, psycopg.errors.UndefinedTable):
            raise
    return (again or answer)()
