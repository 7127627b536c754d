"""Findings as they are read: page by page in the order of their scores, with what they are of."""

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import sql

from recommender import database
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun, Product, Space

_PAGE = sql.SQL("""
SELECT f.id, p.external_id, p.title, p.deleted_at IS NOT NULL, u.external_id, f."group", f.score,
       f.data::text, f.product_id, f.user_id
FROM (
    SELECT * FROM recommender_insightfinding f
    WHERE f.run_id = %(run)s {group} {product} {after}
    ORDER BY f.score DESC, f.id LIMIT %(limit)s
) f
LEFT JOIN recommender_product p ON p.id = f.product_id
LEFT JOIN recommender_user u ON u.id = f.user_id
ORDER BY f.score DESC, f.id
""")
_GROUP = sql.SQL('AND f."group" = %(group)s')
_PRODUCT = sql.SQL("AND f.product_id = %(product)s")
# The two of a keyset, of which the score descends.
_AFTER = sql.SQL("AND f.score <= %(score)s AND (f.score < %(score)s OR f.id > %(last)s)")
_NOTHING = sql.SQL("")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the score and the key of its last finding."""

    score: float
    last: int

    @property
    def cursor(self) -> str:
        """The place as a text for an address."""
        packed = struct.pack(">dq", self.score, self.last)
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """The place that a text tells.

        Raises:
            ValueError: it tells none.
        """
        try:
            packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            return cls(*struct.unpack(">dq", packed))
        except (binascii.Error, struct.error) as exc:
            raise ValueError("This is no cursor.") from exc


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A finding with the ids and the title of what it is of; `data` is JSON."""

    place: Place | None  # None for one that was made when it was read
    product: str | None
    title: str | None
    is_deleted: bool
    user: str | None
    group: str
    data: str
    score: float
    product_key: int | None
    user_key: int | None

    @property
    def told(self) -> dict[str, Any]:
        """`data` as an object."""
        told: dict[str, Any] = orjson.loads(self.data)
        return told


def page(
    run: InsightRun,
    *,
    limit: int,
    after: Place | None = None,
    group: str | None = None,
    product: Product | None = None,
) -> list[FoundRow]:
    """The next findings of a run, the highest score first.

    Of a product that a finished run has nothing on, what its kind says of newcomers.
    """
    statement = _PAGE.format(
        group=_NOTHING if group is None else _GROUP,
        product=_NOTHING if product is None else _PRODUCT,
        after=_NOTHING if after is None else _AFTER,
    )
    asked: dict[str, Any] = {"run": run.pk, "limit": limit, "group": group}
    asked |= {"product": product.pk} if product else {}
    asked |= {"score": after.score, "last": after.last} if after else {}
    rows = [_row(*row) for row in database.fetch(statement, asked)]
    if product is None or rows or after is not None or run.status != InsightRun.Status.DONE:
        return rows
    late = _newcomer(run, product)
    return [row for row in late if group in (None, row.group)]


def _row(  # noqa: PLR0913, PLR0917 - a row of the statement
    key: int,
    product: str | None,
    title: str | None,
    is_deleted: bool,
    user: str | None,
    group: str,
    score: float,
    data: str,
    *keys: int | None,
) -> FoundRow:
    place = Place(score, key)
    return FoundRow(place, product, title, is_deleted, user, group, data, score, *keys)


def _newcomer(run: InsightRun, product: Product) -> list[FoundRow]:
    kind = KINDS.get(run.kind)
    found = kind.of_newcomer(run, product) if kind else None
    if found is None:
        return []
    data = orjson.dumps({**found.data, "newcomer": True}).decode()
    of = (product.external_id, product.title, False, None)
    return [FoundRow(None, *of, found.group, data, found.score, product.pk, None)]


def moved_on(run: InsightRun) -> str | None:
    """Why a run's result is no longer of what serves, in a sentence; None where it is."""
    if not run.space_name:
        return None
    spaces = Space.objects.filter(catalog=run.catalog_id, name=run.space_name)
    serving = (
        spaces.filter(status=Space.Status.ACTIVE).only("version", "name", "embedded_at").first()
    )
    if serving is None:
        return f"The space {run.space_name!r} serves no more."
    if serving.version != run.space_version:
        return f"{serving} serves now."
    if serving.embedded_at and run.started_at and serving.embedded_at > run.started_at:
        return f"Vectors of {serving} have been written since."
    return None


def run_document(run: InsightRun) -> dict[str, Any]:
    """A run as programs read it."""
    failed = run.status == InsightRun.Status.FAILED
    return {
        "id": run.uuid,
        "kind": run.kind,
        "status": run.status,
        "parameters": run.parameters,
        "progress": run.progress or None,
        "space": f"{run.space_name}@{run.space_version}" if run.space_name else None,
        "moved_on": moved_on(run),
        "summary": run.summary,
        "figures": run.figures,
        "error": {"code": run.error_code or None, "detail": run.error} if failed else None,
        "seconds": run.seconds,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def document(row: FoundRow) -> dict[str, Any]:
    """A finding as programs read it."""
    return {
        "product": row.product,
        "title": row.title,
        "user": row.user,
        "group": row.group,
        "score": row.score,
        "data": orjson.Fragment(row.data),
    }
