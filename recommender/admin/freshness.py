"""Whether a product's vector, in the space that serves, is of its present content."""

from uuid import UUID

from django.db import models, transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from recommender.catalog.catalogs import announce_changes
from recommender.models import Catalog, Product, ProductVector, QuarantinedProduct, Space
from recommender.spaces.staleness import TRAINED, fresh

# No content has this hash, so a vector that bears it is stale.
_NO_CONTENT = UUID(int=0)
_OF_NOW = fresh(OuterRef("content_hash"))
_NOTHING = Q(embedding=None, sparse=None)
_REFUSED = Exists(
    QuarantinedProduct.objects.filter(space=OuterRef("space_id"), product=OuterRef("product_id"))
)


class Freshness(models.TextChoices):
    """The state of a product's vector."""

    FRESH = "fresh", "Fresh"
    EMPTY = "empty", "Nothing to embed"
    REFUSED = "refused", "Quarantined"
    STALE = "stale", "Stale"
    MISSING = "missing", "No vector yet"


COLOURS = {
    Freshness.FRESH: "success",
    Freshness.EMPTY: "info",
    Freshness.REFUSED: "danger",
    Freshness.STALE: "warning",
    Freshness.MISSING: "danger",
}


def annotated(products: QuerySet[Product]) -> QuerySet[Product]:
    """The products, each with its Freshness as `freshness`."""
    state = Case(
        When(~_OF_NOW, then=Value(Freshness.STALE)),
        When(_NOTHING & Q(_REFUSED), then=Value(Freshness.REFUSED)),
        When(_NOTHING, then=Value(Freshness.EMPTY)),
        default=Value(Freshness.FRESH),
    )
    serving_state = Subquery(_serving().annotate(state=state).values("state")[:1])
    return products.annotate(freshness=Coalesce(serving_state, Value(Freshness.MISSING)))


def only(products: QuerySet[Product], state: str) -> QuerySet[Product]:
    """Those of the products that are in this state."""
    present = _serving().filter(_OF_NOW)
    conditions = {
        Freshness.FRESH: Exists(present.exclude(_NOTHING)),
        Freshness.EMPTY: Exists(present.filter(_NOTHING).exclude(_REFUSED)),
        Freshness.REFUSED: Exists(present.filter(_NOTHING).filter(_REFUSED)),
        Freshness.STALE: Exists(_serving().exclude(_OF_NOW)),
        Freshness.MISSING: ~Exists(_serving()),
    }
    return products.filter(conditions[Freshness(state)])


def of_vector(product: Product, vector: ProductVector | None, *, is_quarantined: bool) -> Freshness:
    """The state of one vector of a product."""
    if vector is None:
        return Freshness.MISSING
    if vector.content_hash != product.content_hash and vector.treatment != TRAINED:
        return Freshness.STALE
    if vector.embedding is not None or vector.sparse is not None:
        return Freshness.FRESH
    return Freshness.REFUSED if is_quarantined else Freshness.EMPTY


def make_stale(products: QuerySet[Product]) -> int:
    """Have workers embed these products again; how many there are.

    Their present vectors serve until then.
    """
    with transaction.atomic():
        rows = list(products.values_list("pk", "catalog_id"))
        catalogs = Catalog.objects.filter(pk__in={catalog for _, catalog in rows})
        spaces = Space.objects.filter(catalog__in=catalogs).exclude(status=Space.Status.RETIRED)
        ProductVector.objects.filter(
            space_id__in=list(spaces.values_list("pk", flat=True)),
            product_id__in=[product for product, _ in rows],
        ).update(content_hash=_NO_CONTENT)
        for catalog in catalogs:
            announce_changes(catalog)
    return len(rows)


def _serving() -> QuerySet[ProductVector]:
    """The vectors of the outer product in the space that serves: at most one."""
    return ProductVector.objects.filter(
        product=OuterRef("pk"),
        space__catalog=OuterRef("catalog"),
        space__name="text",
        space__status=Space.Status.ACTIVE,
    )
