"""One change of many products: stock, category, or off sale; in batches, as files are written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from psycopg import sql

from recommender.catalog import upsert, values
from recommender.catalog.values import BadValueError
from recommender.models import Catalog, Product

_BATCH = 500
_NAMED = sql.SQL("p.catalog_id = %(catalog)s AND p.external_id = ANY(%(ids)s)")
# Of one edit; a file of products changes more.
MOST = 50_000


class BulkEditError(ValueError):
    """The change cannot be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of products: new values of columns, or off sale.

    Attributes:
        fields: in_stock or category, by name; empty where they go off sale.
    """

    fields: Mapping[str, Any]

    @property
    def hides(self) -> bool:
        """Whether the products are taken off sale."""
        return not self.fields


HIDE = Change({})


def to_stock(is_in_stock: bool) -> Change:
    """In stock, or out of it."""
    return Change({"in_stock": is_in_stock})


def to_category(path: str) -> Change:
    """Into a category, as the API reads it.

    Raises:
        BulkEditError: it is none.
    """
    try:
        return Change({"category": values.PRODUCT["category"](path)})
    except BadValueError as exc:
        raise BulkEditError(f"The category {exc}.") from exc


def apply(products: "QuerySet[Product]", change: Change) -> dict[int, int]:
    """Change products batch by batch, each in a transaction of its own; how many, by catalog.

    Who stops half-way has changed the first of them, and does it once more.

    Args:
        products: at most MOST of them are changed.
    """
    done: Counter[int] = Counter()
    for catalog_id, keys in _batches(products):
        with transaction.atomic():
            # Written, one that was taken off sale meanwhile would be back.
            here = Product.objects.filter(pk__in=keys, deleted_at=None).order_by("external_id")
            locked = here.select_for_update(no_key=True).values_list("external_id", flat=True)
            done[catalog_id] += _change(catalog_id, list(locked), change)
    return dict(done)


def _change(catalog_id: int, ids: Sequence[str], change: Change) -> int:
    if change.hides:
        told = {"catalog": catalog_id, "ids": list(ids)}
        return upsert.take_off_sale(_NAMED, told)
    documents = [{"id": external_id, **change.fields} for external_id in ids]
    upsert.upsert(Catalog.objects.get(pk=catalog_id), documents, change.fields.keys())
    return len(ids)


def _batches(products: "QuerySet[Product]") -> Iterator[tuple[int, list[int]]]:
    """Keys, of one catalog each; in the order of keys, for a change may leave a filter."""
    after, left = 0, MOST
    while left > 0:
        found = products.order_by("pk").filter(pk__gt=after)
        rows = list(found.values_list("pk", "catalog_id")[: min(_BATCH, left)])
        if not rows:
            return
        after, left = rows[-1][0], left - len(rows)
        for catalog_id in dict.fromkeys(of for _, of in rows):
            yield catalog_id, [key for key, of in rows if of == catalog_id]
