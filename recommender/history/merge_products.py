"""Two products that turn out to be one: merged, and parted again.

Events change hands in batches, each a transaction of its own, so that a product of millions locks
nobody out. What died half-way goes on when it is asked for again.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from recommender import database
from recommender.models import Catalog, Product, ProductMerge, User

_BATCH = 2_000

_OWN = """
SELECT e.id, e.at, e.user_id FROM recommender_event e
WHERE e.catalog_id = %(catalog)s AND e.product_id = %(gone)s LIMIT %(limit)s
"""
_TAKE = """
WITH moved AS (
    UPDATE recommender_event e SET product_id = %(kept)s
    FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) s(id, at)
    WHERE e.id = s.id AND e.at = s.at AND e.product_id = %(gone)s RETURNING e.id, e.at
), noted AS (
    INSERT INTO recommender_mergedevent (event_id, at, product_id, catalog_id)
    SELECT id, at, %(gone)s, %(catalog)s FROM moved
)
SELECT count(*) FROM moved
"""
# An event that was erased since has no user any more, and is forgotten here, too.
_TAKEN = """
SELECT m.event_id, m.at, e.user_id FROM recommender_mergedevent m
LEFT JOIN recommender_event e ON e.id = m.event_id AND e.at = m.at
WHERE m.product_id = %(gone)s LIMIT %(limit)s
"""
_GIVE_BACK = """
WITH moved AS (
    UPDATE recommender_event e SET product_id = %(gone)s
    FROM unnest(%(ids)s::uuid[], %(times)s::timestamptz[]) s(id, at)
    WHERE e.id = s.id AND e.at = s.at AND e.product_id = %(kept)s RETURNING e.id
), forgotten AS (DELETE FROM recommender_mergedevent WHERE event_id = ANY(%(ids)s))
SELECT count(*) FROM moved
"""
# What came of lists on the days of what changed hands is counted anew.
_LATE = """
INSERT INTO recommender_lateday (catalog_id, day)
SELECT DISTINCT %(catalog)s::bigint, (at AT TIME ZONE 'UTC')::date
FROM unnest(%(times)s::timestamptz[]) at
"""

_Row = tuple[UUID, datetime, int | None]


class MergeError(ValueError):
    """These products are not merged or parted; the message says why."""


def merge_products(catalog: Catalog, into_id: str, from_id: str, by: str = "") -> int:
    """Give a product all that happened with another, whose id stands for it from then on.

    The other one is listed no more. What is written of it is kept for the day when they are parted.
    To merge again moves what is left, if anything.

    Args:
        into_id: the product that stays.
        from_id: the product that goes.
        by: who merges, for people to read.

    Returns:
        The events that changed hands.

    Raises:
        MergeError: it is one product, one of them is not there, or is merged into another.
    """
    if into_id == from_id:
        raise MergeError("A product is not merged with itself.")
    with transaction.atomic():
        kept, gone = _locked(catalog, into_id, from_id)
        _check(kept, gone)
        _, is_new = ProductMerge.objects.get_or_create(
            product=gone, defaults={"kept": kept, "catalog": catalog, "merged_by": by}
        )
        if is_new:
            Product.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    return _in_batches(_OWN, _TAKE, kept, gone)


def part_products(catalog: Catalog, into_id: str, from_id: str) -> int | None:
    """Undo a merge: the product that went is there again, with the events that it had.

    Events that came since stay with the product that stayed, whichever id they were sent with.

    Returns:
        The events that changed hands; None where they are not merged.
    """
    merges = ProductMerge.objects.select_related("kept", "product").filter(
        catalog=catalog, product__external_id=from_id, kept__external_id=into_id
    )
    merge = merges.first()
    if merge is None:
        return None
    moved = _in_batches(_TAKEN, _GIVE_BACK, merge.kept, merge.product)
    with transaction.atomic():
        _locked(catalog, into_id, from_id)
        deleted, _ = merges.delete()
        if deleted:
            gone = Product.objects.filter(pk=merge.product_id)
            gone.update(deleted_at=None, updated_at=timezone.now())
    return moved


def _locked(catalog: Catalog, into_id: str, from_id: str) -> tuple[Product, Product]:
    """Both products, locked in the order in which products are written.

    Raises:
        MergeError: one is not there.
    """
    both = Product.objects.filter(catalog=catalog, external_id__in=(into_id, from_id))
    locked = both.select_for_update().order_by("external_id")
    found = {product.external_id: product for product in locked}
    for name in (into_id, from_id):
        if name not in found:
            raise MergeError(f"There is no product {name!r}.")
    return found[into_id], found[from_id]


def _check(kept: Product, gone: Product) -> None:
    """See that one product may be merged into the other.

    Raises:
        MergeError: it may not.
    """
    merges = ProductMerge.objects.select_related("kept")
    former = {one.product_id: one.kept for one in merges.filter(product__in=(kept.pk, gone.pk))}
    if former.get(gone.pk) == kept:
        return
    for product in (kept, gone):
        if other := former.get(product.pk):
            name = product.external_id
            raise MergeError(f"{name!r} is merged into {other.external_id!r}; part them first.")
        if product.deleted_at is not None:
            raise MergeError(f"There is no product {product.external_id!r}.")
    if merges.filter(kept=gone).exists():
        raise MergeError(
            f"Others are merged into {gone.external_id!r}; merge {kept.external_id!r} into it, or "
            "part them first."
        )


def _in_batches(find: str, move: str, kept: Product, gone: Product) -> int:
    asked = {"catalog": gone.catalog_id, "kept": kept.pk, "gone": gone.pk, "limit": _BATCH}
    total = 0
    while True:
        with transaction.atomic():
            rows: Sequence[_Row] = database.fetch(find, asked)
            if not rows:
                return total
            total += _move(rows, lambda given: database.fetch(move, asked | given)[0][0], gone)


def _move(rows: Sequence[_Row], move: Callable[[dict[str, object]], int], gone: Product) -> int:
    """Have events change hands, in the caller's transaction; their users' profiles are stale."""
    users = {user for _, _, user in rows if user is not None}
    # In the order in which events lock users, and before their events, as who erases a user does.
    locked = User.objects.filter(pk__in=users).select_for_update().order_by("external_id")
    keys = [user.pk for user in locked]
    times = [at for _, at, _ in rows]
    moved = move({"ids": [key for key, _, _ in rows], "times": times})
    database.execute(
        "UPDATE recommender_user SET history_version = history_version + 1 WHERE id = ANY(%s)",
        (keys,),
    )
    database.execute(_LATE, {"catalog": gone.catalog_id, "times": times})
    return moved
