"""How far a catalogue's embedding is, for whoever waits for it."""

from dataclasses import dataclass

from psycopg import sql

from recommender import database
from recommender.models import Catalog, Product, QuarantinedProduct, Space
from recommender.spaces import index, partitions, staleness
from recommender.spaces.lifecycle import living


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
    """The backlog of each living space of a catalogue."""
    return [backlog(space) for space in living().filter(catalog=catalog)]


def backlog(space: Space) -> Backlog:
    """The backlog of one living space."""
    return Backlog(space, staleness.count(space), _is_unfinished(space))


def _is_unfinished(space: Space) -> bool:
    return index.is_due(space) or space.embedded_at != space.profiles_at


_COUNT = sql.SQL("""
SELECT count(*),
    count(*) FILTER (WHERE v.content_hash = p.content_hash OR v.treatment = 'trained'),
    count(*) FILTER (WHERE v.product_id IS NULL)
FROM recommender_product p LEFT JOIN {vectors} v ON v.product_id = p.id
WHERE p.catalog_id = %s AND p.deleted_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Products of the catalogue, and how many of them the space has dealt with.

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
    query = _COUNT.format(vectors=partitions.product_vectors(space.pk))
    products, fresh, missing = database.fetch(query, (space.catalog_id,))[0]
    quarantined = QuarantinedProduct.objects.filter(space=space.pk).count()
    return Coverage(products, fresh, missing, quarantined)
