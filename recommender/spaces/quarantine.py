"""Products that a model refused, kept apart with the reason until they change or are retried."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from embeddings.errors import MediaUnavailable
from recommender import database
from recommender.models import Product, QuarantinedProduct, Space, Webhook
from recommender.spaces import partitions
from recommender.webhooks import outbox

# A picture whose host did not answer is asked for again after so long, without a person.
_MEDIA_PAUSE = timedelta(hours=1)
# Of those refused together so many are told by id.
_MOST_TOLD = 100

_ADD = """
INSERT INTO recommender_quarantinedproduct (space_id, product_id, content_hash, code, reason, at)
SELECT %s, product_id, content_hash, code, reason, now()
FROM unnest(%s::bigint[], %s::uuid[], %s::text[], %s::text[])
    AS r(product_id, content_hash, code, reason)
ON CONFLICT (space_id, product_id) DO UPDATE SET content_hash = excluded.content_hash,
    code = excluded.code, reason = excluded.reason, at = excluded.at
RETURNING product_id, xmax = 0
"""
# Only the rows that say "refused": a vector that came meanwhile stays.
_RETRY = sql.SQL("""
WITH freed AS (
    DELETE FROM recommender_quarantinedproduct
    WHERE space_id = %(space)s
      AND (%(products)s::bigint[] IS NULL OR product_id = ANY(%(products)s::bigint[]))
    RETURNING product_id
), emptied AS (
    DELETE FROM {vectors} v USING freed
    WHERE v.product_id = freed.product_id AND v.embedding IS NULL AND v.sparse IS NULL
)
SELECT count(*) FROM freed
""")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A product's content that the model refused, and why."""

    product_id: int
    content_hash: UUID
    code: str
    reason: str


def add(space: Space, refusals: Sequence[Refusal]) -> None:
    """Put products into quarantine; one that is there gets the new reason."""
    if not refusals:
        return
    ids = [refusal.product_id for refusal in refusals]
    hashes = [refusal.content_hash for refusal in refusals]
    codes = [refusal.code for refusal in refusals]
    reasons = [refusal.reason for refusal in refusals]
    with transaction.atomic():
        rows = database.fetch(_ADD, (space.pk, ids, hashes, codes, reasons))
        new = {product_id for product_id, is_new in rows if is_new}
        # A picture whose host is down comes and goes by itself.
        lasting = [row for row in refusals if row.code != MediaUnavailable.__name__]
        _tell(space, [row for row in lasting if row.product_id in new])


def _tell(space: Space, refusals: Sequence[Refusal]) -> None:
    """Tell webhooks of what was not in quarantine before."""
    if not refusals:
        return
    first = refusals[:_MOST_TOLD]
    ids = [refusal.product_id for refusal in first]
    names = dict(Product.objects.filter(pk__in=ids).values_list("pk", "external_id"))
    products = [
        {"id": names[row.product_id], "code": row.code, "reason": row.reason}
        for row in first
        if row.product_id in names
    ]
    told = {"space": str(space), "number": len(refusals), "products": products}
    outbox.tell(space.catalog_id, Webhook.Kind.QUARANTINED, told)


def remove(space: Space, product_ids: Sequence[int]) -> None:
    """Take products out that are embedded, or have nothing to embed, as they are now."""
    database.execute(
        "DELETE FROM recommender_quarantinedproduct "
        "WHERE space_id = %s AND product_id = ANY(%s::bigint[])",
        (space.pk, database.array_text(product_ids)),
    )


def count(space: Space) -> int:
    """How many of the catalog's products are in quarantine."""
    return QuarantinedProduct.objects.filter(space=space, product__deleted_at=None).count()


def retry(space: Space, product_ids: Sequence[int] | None = None) -> int:
    """Make quarantined products stale again; how many there were.

    Workers embed them at their next sweep, or when told by `changes.announce`.

    Args:
        product_ids: those alone; by default all of the space.
    """
    if space.status == Space.Status.RETIRED:
        return 0
    parameters = {
        "space": space.pk,
        "products": None if product_ids is None else list(product_ids),
    }
    with transaction.atomic():
        query = _RETRY.format(vectors=partitions.product_vectors(space.pk))
        return int(database.fetch(query, parameters)[0][0])


def retry_media() -> int:
    """Make products stale again whose picture could not be had an hour ago; how many."""
    waiting = QuarantinedProduct.objects.filter(
        code=MediaUnavailable.__name__,
        at__lt=timezone.now() - _MEDIA_PAUSE,
        space__status__in=(Space.Status.BUILDING, Space.Status.ACTIVE),
    ).select_related("space")
    products: defaultdict[Space, list[int]] = defaultdict(list)
    for row in waiting:
        products[row.space].append(row.product_id)
    return sum(retry(space, ids) for space, ids in products.items())
