"""Exposure: how often lists have shown each product, and what an event counts that a list led to.

Lists show what is popular, what they show gets events, and so it stays popular, whatever else users
would have liked as well. So an event that names its list counts by the inverse of its product's
propensity to be shown (Schnabel et al. 2016), beside that of the catalog's products on average;
never for more than one, as the few events of what is hardly shown say little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.models import Catalog

_DAYS = 30

# Of each product that lists have shown in the whole days of the last thirty before a time: what an
# event of it counts that a list led to.
SHARES = sql.SQL("""
    SELECT x.product_id, least(1, x.mean / x.shown) AS share FROM (
        SELECT f.product_id, sum(f.impressions)::float8 AS shown,
               sum(sum(f.impressions)) OVER ()::float8 / GREATEST(1, ({products})) AS mean
        FROM recommender_effectfigure f
        WHERE f.catalog_id = %(catalog)s AND f.impressions > 0 AND f.product_id IS NOT NULL
          AND f.day < (%(before)s::timestamptz AT TIME ZONE 'UTC')::date
          AND f.day >= (%(before)s::timestamptz AT TIME ZONE 'UTC')::date - {days}
        GROUP BY f.product_id
    ) x
""").format(
    products=sql.SQL("""
        SELECT count(*) FROM recommender_product p
        WHERE p.catalog_id = %(catalog)s AND p.deleted_at IS NULL AND p.in_stock
    """),
    days=sql.Literal(_DAYS),
)

_SHOWN = """
SELECT array_send(array_agg(product_id ORDER BY product_id, day)),
       array_send(array_agg((day - date '1970-01-01')::bigint ORDER BY product_id, day)),
       array_send(array_agg(shown ORDER BY product_id, day))
FROM (
    SELECT product_id, day, sum(impressions)::float8 AS shown FROM recommender_effectfigure
    WHERE catalog_id = %s AND impressions > 0 AND product_id IS NOT NULL GROUP BY 1, 2
) f
"""


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often lists have shown products, by day; every array has shape (products and days,)."""

    products: NDArray[np.int64]  # keys
    days: NDArray[np.int64]  # since 1970
    shown: NDArray[np.float64]

    def shares(self, keys: NDArray[np.int64], clock: float, available: int) -> NDArray[np.float64]:
        """What SHARES says of each of these products at a time; 1 for what no list has shown.

        Args:
            keys: in order, each once.
            clock: seconds since 1970.
            available: how many products the catalog has to show.
        """
        today = int(clock // SECONDS_A_DAY)
        recent = (self.days < today) & (self.days >= today - _DAYS)
        mean = self.shown[recent].sum() / max(1, available)
        rows, there = arrays.sorted_places(keys, self.products[recent])
        shown = np.bincount(rows[there], self.shown[recent][there], minlength=len(keys))
        shares = np.ones(len(keys))
        often = shown > mean
        shares[often] = mean / shown[often]
        return shares


def read(catalog: Catalog) -> Exposure:
    """All that the log of answers still tells, counted by days."""
    products, days, shown = database.fetch(_SHOWN, (catalog.pk,))[0]
    return Exposure(arrays.ints(products), arrays.ints(days), arrays.floats(shown))
