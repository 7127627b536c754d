"""Keeping a catalog in step with its shop: what a whole catalog lacks is taken off sale.

Files, feeds and pages over REST go one way. A sync begins; ids are seen; at its end the products
that were on sale when it began, were not seen and were not written since are taken off sale, unless
they are too many to be true.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.catalog.upsert import take_off_sale
from recommender.models import Catalog, SeenProduct, Sync

# A sync that nobody went on with is forgotten: a day after the staging table of its import is.
KEPT = timedelta(days=8)
# So long a page of a sync that is done is taken for one that was sent again.
REPEATS = timedelta(hours=1)
# More than this share of what is on sale is rather a file that was cut off.
MOST_REMOVED = 0.2

# In a transaction that began long ago, now() would be too early.
_STATE = """
SELECT clock_timestamp(),
    (SELECT COALESCE(max(id), 0) FROM recommender_product WHERE catalog_id = %(catalog)s),
    (SELECT count(*) FROM recommender_product
     WHERE catalog_id = %(catalog)s AND deleted_at IS NULL),
    (SELECT min(LEAST(on_sale, before_refusal)) FROM recommender_sync
     WHERE catalog_id = %(catalog)s AND is_refused)
"""
_BEGIN = """
INSERT INTO recommender_sync AS s (catalog_id, token, began_at, used_at, last_product, on_sale,
    before_refusal, has_products, is_refused, removed)
VALUES (%(catalog)s, %(token)s, %(began_at)s, now(), %(last_product)s, %(on_sale)s,
    %(before_refusal)s, false, false, 0)
ON CONFLICT (catalog_id, token) DO UPDATE
    SET began_at = excluded.began_at, used_at = excluded.used_at, done_at = NULL,
        last_product = excluded.last_product, on_sale = excluded.on_sale,
        before_refusal = excluded.before_refusal,
        has_products = false, removed = 0
    WHERE s.used_at <= %(expired)s OR %(anew)s AND s.done_at IS NOT NULL
RETURNING id
"""
_FORGET_SEEN = "DELETE FROM recommender_seenproduct WHERE sync_id = %s"
_SEE = """
INSERT INTO recommender_seenproduct (sync_id, external_id)
SELECT %s, id FROM unnest(%s::text[]) AS given (id) ORDER BY id ON CONFLICT DO NOTHING
"""
_ALL_SEEN = """
SELECT NOT EXISTS (
    SELECT id FROM unnest(%(ids)s::text[]) AS given (id)
    EXCEPT SELECT external_id FROM recommender_seenproduct WHERE sync_id = %(sync)s)
"""
_SEEN = sql.SQL("SELECT external_id AS id FROM recommender_seenproduct WHERE sync_id = {}")

# Of the product `p`. What was written since the sync began, its sender may not know of.
_OLDER = sql.SQL("""
p.catalog_id = {catalog} AND p.deleted_at IS NULL AND p.id <= {last_product}
AND p.updated_at < {began_at}
""")
# EXCEPT, as an anti-join may be planned as a loop in a loop where a table is new to the planner.
_MAKE_ABSENT = (
    sql.SQL("DROP TABLE IF EXISTS pg_temp.absent_product"),
    sql.SQL("""
CREATE TEMPORARY TABLE absent_product ON COMMIT DROP AS
SELECT p.external_id FROM recommender_product p WHERE {older}
AND NOT EXISTS (
    SELECT FROM recommender_productmerge m JOIN recommender_product n ON n.id = m.product_id
    JOIN ({seen}) merged ON merged.id = n.external_id WHERE m.kept_id = p.id)
EXCEPT SELECT seen.id COLLATE "C" FROM ({seen}) seen
"""),
    sql.SQL("ANALYZE absent_product"),
)
_NAMED = "SELECT external_id FROM absent_product WHERE strpos(%(text)s, external_id) > 0"
_KEEP = "DELETE FROM absent_product WHERE external_id = ANY(%s::text[])"
_COUNT = "SELECT count(*) FROM absent_product"
_IS_ABSENT = sql.SQL("{older} AND p.external_id IN (SELECT external_id FROM absent_product)")

_PRUNE = (
    "DELETE FROM recommender_sync WHERE used_at <= %(expired)s AND NOT is_refused",
    """
DELETE FROM recommender_seenproduct seen WHERE NOT EXISTS (
    SELECT FROM recommender_sync s WHERE s.id = seen.sync_id AND s.used_at > %(expired)s)
""",
)


@dataclass(frozen=True, slots=True)
class Removal:
    """What a sync takes off sale, or would.

    Attributes:
        removed: products that are on sale and were not seen.
        on_sale: products that were on sale when the sync began.
        kept: products that stay because a row that could not be read names them.
        is_refused: they are too many, and nothing was taken off sale.
        before_refusal: products that were on sale before a sync that was refused added others;
            None where none was. They are what is measured by.
    """

    removed: int
    on_sale: int
    kept: int = 0
    is_refused: bool = False
    before_refusal: int | None = None

    def why_refused(self, where: str) -> str:
        """`120 of the 400 products on sale are not in the file, which is more than 20 %`.

        Args:
            where: they are missing: `in the file`.
        """
        said = f"{self.removed:,} of the {self.on_sale:,} products on sale are not {where}, which "
        if self.before_refusal is None or self.before_refusal >= self.on_sale:
            return f"{said}is more than {MOST_REMOVED:.0%}"
        return (
            f"{said}is more than {MOST_REMOVED:.0%} of the {self.before_refusal:,} that were on "
            "sale before this was first refused"
        )


def begin(catalog: Catalog, token: str, *, anew: bool = True) -> Sync:
    """The sync of this token: the one that goes on, or a new one where there is none.

    Args:
        anew: begin another where it is done; otherwise that one is given.
    """
    expired = timezone.now() - KEPT
    syncs = Sync.objects.filter(catalog=catalog, token=token)
    if not syncs.filter(done_at=None, used_at__gt=expired).update(used_at=Now()):
        with transaction.atomic():
            state = _state(catalog)
            parameters = {
                "catalog": catalog.pk,
                "token": token,
                "began_at": state.began_at,
                "last_product": state.last_product,
                "on_sale": state.on_sale,
                "before_refusal": state.before_refusal,
                "expired": expired,
                "anew": anew,
            }
            for (sync_id,) in database.fetch(_BEGIN, parameters):
                database.execute(_FORGET_SEEN, (sync_id,))
    return syncs.get()


class TokenUsedError(Exception):
    """The sync of this token is done, and this is no page of it that is sent again."""


def begin_page(catalog: Catalog, token: str, ids: Collection[str]) -> Sync:
    """The sync that a page with these ids belongs to; one that is done where it is sent again.

    Raises:
        TokenUsedError: the token belongs to a sync that is done.
    """
    sync = begin(catalog, token, anew=False)
    if sync.done_at is None:
        return sync
    is_late = sync.done_at < timezone.now() - REPEATS
    if is_late or not database.fetch(_ALL_SEEN, {"ids": list(ids), "sync": sync.pk})[0][0]:
        raise TokenUsedError(
            f"The sync {token!r} was done at {sync.done_at:%Y-%m-%d %H:%M} UTC, and this is not a "
            "page of it. Give the next sync another token, such as the time it begins."
        )
    return sync


def see(sync: Sync, ids: Collection[str], *, has_products: bool) -> None:
    """Note that a sync in pages has these products.

    Args:
        has_products: whether any of them could be taken.
    """
    database.execute(_SEE, (sync.pk, list(ids)))
    if has_products and not sync.has_products:
        sync.has_products = True
        sync.save(update_fields=["has_products"])


def count_seen(sync: Sync) -> int:
    """How many products a sync in pages has had."""
    return SeenProduct.objects.filter(sync=sync).count()


def seen(sync: Sync) -> sql.Composed:
    """A SELECT of the ids that a sync in pages has had."""
    return _SEEN.format(sql.Literal(sync.pk))


def finish(
    sync: Sync, seen: sql.Composable, *, force: bool = False, texts: Sequence[str] = ()
) -> Removal:
    """Take off sale what was not seen; done again, it says what it did.

    Args:
        seen: a SELECT of the external `id` of all products that the shop has.
        force: however many go.
        texts: of what could not be read; products whose ids stand in them stay.
    """
    with transaction.atomic():
        sync = Sync.objects.select_for_update().get(pk=sync.pk)
        if sync.done_at is not None:
            return Removal(sync.removed, sync.on_sale)
        removal = _judged(sync, seen, texts, force=force)
        if removal.is_refused:
            Sync.objects.filter(pk=sync.pk).update(is_refused=True, used_at=Now())
            return removal
        removed = take_off_sale(_IS_ABSENT.format(older=_older(sync)))
        Sync.objects.filter(pk=sync.pk).update(done_at=Now(), used_at=Now(), removed=removed)
    # Apart, as others may be ending syncs that were refused.
    Sync.objects.filter(catalog=sync.catalog_id, is_refused=True).update(is_refused=False)
    return Removal(removed, sync.on_sale, removal.kept)


def preview(catalog: Catalog, seen: sql.Composable, texts: Sequence[str] = ()) -> Removal:
    """What a sync that has seen this would take off sale; writes nothing."""
    with transaction.atomic():
        return _judged(_state(catalog), seen, texts, force=False)


def close(sync: Sync) -> None:
    """End a sync whose removal was refused, so that the next of its token begins anew."""
    Sync.objects.filter(pk=sync.pk, done_at=None).update(done_at=Now())


def forget(catalog: Catalog) -> None:
    """Remove the syncs of a catalog that is to be deleted."""
    for sync in Sync.objects.filter(catalog=catalog):
        database.execute(_FORGET_SEEN, (sync.pk,))
        sync.delete()


def prune() -> None:
    """Remove what was seen of syncs that nobody went on with, and what nothing is measured by."""
    for statement in _PRUNE:
        database.execute(statement, {"expired": timezone.now() - KEPT})


def _state(catalog: Catalog) -> Sync:
    """The catalog as it is now, as a sync that is not stored."""
    began_at, last_product, on_sale, before = database.fetch(_STATE, {"catalog": catalog.pk})[0]
    return Sync(
        catalog=catalog,
        token="",
        began_at=began_at,
        last_product=last_product,
        on_sale=on_sale,
        before_refusal=before,
    )


def _older(sync: Sync) -> sql.Composed:
    return _OLDER.format(
        catalog=sql.Literal(sync.catalog_id),
        last_product=sql.Literal(sync.last_product),
        began_at=sql.Literal(sync.began_at),
    )


def _judged(sync: Sync, seen: sql.Composable, texts: Sequence[str], *, force: bool) -> Removal:
    """What would go, which is in `absent_product` to the end of the transaction."""
    for statement in _MAKE_ABSENT:
        database.execute(statement.format(older=_older(sync), seen=seen))
    kept = _named(texts)
    database.execute(_KEEP, (kept,))
    count = database.fetch(_COUNT)[0][0]
    before = sync.on_sale if sync.before_refusal is None else sync.before_refusal
    is_refused = count > MOST_REMOVED * min(sync.on_sale, before) and not force
    return Removal(count, sync.on_sale, len(kept), is_refused, sync.before_refusal)


def _named(texts: Sequence[str]) -> list[str]:
    """The ids of absent products that stand in these texts as words of their own."""
    text = "\n".join(texts)
    found = database.fetch(_NAMED, {"text": text}) if text else []
    return [external_id for (external_id,) in found if _word(external_id).search(text)]


def _word(external_id: str) -> "re.Pattern[str]":
    before = r"(?<!\w)" if re.match(r"\w", external_id) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", external_id) else ""
    return re.compile(f"{before}{re.escape(external_id)}{after}")
