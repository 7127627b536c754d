"""The users whom a product would suit: the exact nearest of their profiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.db.models import Case, Value, When
from psycopg import sql

from recommender import database
from recommender.engine.answer import Query, UnknownProductError
from recommender.engine.stored import own_types
from recommender.history import aliases
from recommender.models import Catalog, Product, ProfileVector, Space
from recommender.spaces import partitions, switching
from recommender.spaces.index import metric_of

Kind = ProfileVector.Kind

# Rows of (user, similarity): of each user the nearest of their vectors of a kind. All are compared,
# as no index is kept of vectors that change at every event.
_NEAREST = sql.SQL("""
SELECT u.external_id, max({similarity})::float8 AS similarity
FROM {products} t
CROSS JOIN LATERAL (
    SELECT v.user_id, (v.embedding {operator} t.embedding) + 0 AS distance
    FROM {profiles} v WHERE v.kind = %(kind)s
) n JOIN recommender_user u ON u.id = n.user_id
WHERE t.product_id = %(product)s AND t.embedding IS NOT NULL AND n.user_id NOT IN (
    SELECT e.user_id FROM recommender_event e
    WHERE e.product_id = %(product)s AND e.type = ANY(%(own)s))
GROUP BY u.id, u.external_id ORDER BY similarity DESC, u.id LIMIT %(count)s
""")


@dataclass(frozen=True, slots=True)
class Member:
    """A user, and how near their taste is to the product, by the metric of the space."""

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Audience:
    """Users, the nearest first, and the space that says so; None where none knows the product."""

    members: Sequence[Member]
    space: str | None


def audience(catalog: Catalog, external_id: str, query: Query) -> Audience:
    """The users whose taste is nearest to a product, without those who had it by `query.exclude`.

    By their long-term factor in a space of behaviour, else by their interests in one of content:
    the first space in which the product and any user have a vector.

    Raises:
        UnknownProductError: where the catalog has no such product.
    """
    return switching.answered(partial(_audience, catalog, external_id, query))


def _audience(catalog: Catalog, external_id: str, query: Query) -> Audience:
    name = aliases.canonical(catalog, external_id)
    known = Product.objects.filter(catalog=catalog, external_id=name, deleted_at=None)
    product = known.values_list("pk", flat=True).first()
    if product is None:
        raise UnknownProductError(external_id)
    for space in _spaces(catalog):
        rows = _nearest(catalog, space, product, query)
        if rows:
            return Audience([Member(*row) for row in rows], str(space))
    return Audience([], None)


def _spaces(catalog: Catalog) -> Sequence[Space]:
    """Those that serve: factors of least squares first, which say what somebody will do."""
    order = Case(
        When(kind=Space.Kind.BEHAVIOUR, metric=Space.Metric.INNER_PRODUCT, then=Value(0)),
        When(kind=Space.Kind.BEHAVIOUR, then=Value(1)),
        default=Value(2),
    )
    dense = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE)
    dense = dense.exclude(output=Space.Output.SPARSE)
    return list(dense.only("kind", "metric", "name", "version").order_by(order, "pk"))


def _nearest(catalog: Catalog, space: Space, product: int, query: Query) -> list[tuple[str, float]]:
    used = metric_of(space.metric)
    statement = _NEAREST.format(
        products=partitions.product_vectors(space.pk),
        profiles=partitions.profile_vectors(space.pk),
        operator=used.operator,
        similarity=used.similarity(sql.SQL("n.distance")),
    )
    kind = Kind.LONG_TERM if space.kind == Space.Kind.BEHAVIOUR else Kind.INTEREST
    parameters = {
        "product": product,
        "kind": str(kind),
        "own": own_types(catalog, query),
        "count": query.count,
    }
    return database.fetch(statement, parameters)
