"""Counts beside the rows of a list: subqueries of the list's own statement."""

from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import (
    BigIntegerField,
    Count,
    F,
    Func,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce, Concat

from recommender.models import Catalog, Product, ProductVector, Space, User
from recommender.spaces import staleness

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

# Events are counted up to here: a catalog may have a hundred million.
MANY_EVENTS = 1_000_000
# A template that no model takes may have a whole catalog refused.
MANY_QUARANTINED = 10_000

_EVENTS = """(
    SELECT count(*) FROM (
        SELECT FROM recommender_event e WHERE e.catalog_id = recommender_catalog.id LIMIT %s
    ) counted
)"""

_QUARANTINED = """(
    SELECT count(*) FROM (
        SELECT FROM recommender_quarantinedproduct q JOIN recommender_product p
            ON p.id = q.product_id AND p.deleted_at IS NULL
        WHERE q.space_id = recommender_space.id LIMIT %s
    ) counted
)"""


class CatalogCounts(TypedDict):
    """What is in a catalog; `fresh_count` of its products have a fresh vector."""

    product_count: int
    user_count: int
    event_count: int
    fresh_count: int


class SpaceCounts(TypedDict):
    """What is in a space, and the bytes it takes with its indexes."""

    product_count: int
    fresh_count: int
    storage: int


class QuarantineCounts(TypedDict):
    """How many products a space has in quarantine, up to MANY_QUARANTINED and one."""

    quarantined_count: int


if TYPE_CHECKING:
    CountedCatalog = WithAnnotations[Catalog, CatalogCounts]
    CountedSpace = WithAnnotations[Space, SpaceCounts]
    QuarantiningSpace = WithAnnotations[Space, QuarantineCounts]


def of_catalogs(catalogs: QuerySet[Catalog]) -> "QuerySet[CountedCatalog]":
    """The catalogs with their CatalogCounts."""
    serving = Space.objects.filter(
        catalog=OuterRef(OuterRef("pk")), name="text", status=Space.Status.ACTIVE
    )
    products = Product.objects.filter(catalog=OuterRef("pk"), deleted_at=None)
    fresh = _fresh().filter(space_id=Subquery(serving.values("pk")[:1]))
    events = RawSQL(_EVENTS, (MANY_EVENTS + 1,))  # noqa: S611 - a constant of this file
    return catalogs.annotate(
        product_count=_number(products, "catalog"),
        user_count=_number(User.objects.filter(catalog=OuterRef("pk")), "catalog"),
        event_count=events,
        fresh_count=_number(fresh, "space_id"),
    )


def of_spaces(spaces: QuerySet[Space]) -> "QuerySet[CountedSpace]":
    """The spaces with their SpaceCounts."""
    products = Product.objects.filter(catalog=OuterRef("catalog"), deleted_at=None)
    return spaces.annotate(
        product_count=_number(products, "catalog"),
        fresh_count=_number(_fresh().filter(space_id=OuterRef("pk")), "space_id"),
        storage=_size("productvector") + _size("profilevector"),
    )


def of_quarantine(spaces: QuerySet[Space]) -> "QuerySet[QuarantiningSpace]":
    """The spaces with their QuarantineCounts."""
    number = RawSQL(_QUARANTINED, (MANY_QUARANTINED + 1,))  # noqa: S611 - a constant of this file
    return spaces.annotate(quarantined_count=number)


def events(number: int) -> str:
    """A count of events as it is shown."""
    return _up_to(MANY_EVENTS, number)


def quarantined(number: int) -> str:
    """A count of quarantined products as it is shown."""
    return _up_to(MANY_QUARANTINED, number)


def _up_to(limit: int, number: int) -> str:
    return f"more than {limit:,}" if number > limit else f"{number:,}"


def _fresh() -> QuerySet[ProductVector]:
    return ProductVector.objects.filter(
        staleness.fresh(F("product__content_hash")), product__deleted_at=None
    )


def _number(rows: QuerySet[Any], group: str) -> Coalesce:
    counted = rows.order_by().values(group).annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted), 0)


def _size(table: str) -> Coalesce:
    """Bytes of a space's partition; a retired space has none."""
    name = Concat(Value(f"recommender_{table}_"), Cast("pk", TextField()))
    size = Func(
        Func(name, function="to_regclass"),
        function="pg_total_relation_size",
        output_field=BigIntegerField(),
    )
    return Coalesce(size, 0)
