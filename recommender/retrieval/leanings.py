"""Which categories and brands a user leans to: what is told of a taste in one cheap statement."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from recommender import database
from recommender.history import reader
from recommender.models import Catalog

# A row of a user for each category and brand of their latest products, with what they did there.
_READ = (
    sql.SQL("""
SELECT u.is_anonymous, COALESCE(p.category, ''), COALESCE(p.brand, ''), sum(l.weight)
FROM recommender_user u JOIN recommender_catalog c ON c.id = u.catalog_id
LEFT JOIN LATERAL ({latest}) l ON true
LEFT JOIN recommender_product p ON p.id = l.product_id AND p.deleted_at IS NULL
WHERE u.catalog_id = %(catalog)s AND u.external_id = %(user)s
GROUP BY 1, 2, 3
""")
    .format(latest=reader.LATEST)
    .as_bytes(None)
)


@dataclass(frozen=True, slots=True)
class Leanings:
    """How much of what a user did was with each category and brand: of the most, 1."""

    is_anonymous: bool  # whether nobody vouches for who they are
    categories: Mapping[str, float]
    brands: Mapping[str, float]

    def fit(self, category: str, brand: str) -> float:
        """How much a product of these is to their taste, 0 to 1: as much by each."""
        return (self.categories.get(category, 0.0) + self.brands.get(brand, 0.0)) / 2


def find(catalog: Catalog, external_id: str) -> Leanings | None:
    """A user's; None where nobody knows them."""
    parameters = {"catalog": catalog.pk, "user": external_id, "before": None}
    rows = database.fetch(_READ, parameters)
    if not rows:
        return None
    categories: Counter[str] = Counter()
    brands: Counter[str] = Counter()
    for _, category, brand, weight in rows:
        categories[category] += weight or 0
        brands[brand] += weight or 0
    return Leanings(rows[0][0], _shares(categories), _shares(brands))


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Of the greatest; what nothing, or more against than for it, speaks for is left out."""
    known = {value: weight for value, weight in weights.items() if value and weight > 0}
    most = max(known.values(), default=1.0)
    return {value: weight / most for value, weight in known.items()}
