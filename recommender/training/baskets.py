"""What was bought at one time: the baskets that say which products are bought together."""

from collections.abc import Mapping

import numpy as np
from psycopg import sql
from scipy.sparse import csr_array

from recommender import arrays, database
from recommender.behaviour import neighbours
from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.history import exclusion
from recommender.models import Catalog, ProductNeighbor
from recommender.snapshot.snapshot import Snapshot

# A basket is what a user buys in a day: orders have no id here, and the events of one may be
# seconds apart. One row: users, products and days of all purchases before a time.
_PURCHASES = sql.SQL("""
SELECT array_send(array_agg(e.user_id)), array_send(array_agg(e.product_id)),
       array_send(array_agg(floor(extract(epoch FROM e.at) / %(day)s)::bigint))
FROM recommender_event e
WHERE e.catalog_id = %(catalog)s AND e.type = 'purchase' AND e.product_id IS NOT NULL
  AND extract(epoch FROM e.at) >= %(since)s AND extract(epoch FROM e.at) < %(before)s
  AND {counts}
""").format(counts=exclusion.COUNTS)


def read(catalog: Catalog, as_of: Snapshot, *, since: float = 0.0) -> csr_array:
    """Baskets × products of a snapshot, 1 where a basket of before its clock holds a product.

    Args:
        since: seconds since 1970.
    """
    parameters = {
        "catalog": catalog.pk, "day": SECONDS_A_DAY, "since": since, "before": as_of.clock,
    }  # fmt: skip
    users, products, days = map(arrays.ints, database.fetch(_PURCHASES, parameters)[0])
    rows, known = arrays.sorted_places(as_of.products.keys, products)
    pairs = np.stack([users[known], days[known]], axis=1)
    baskets, places = np.unique(pairs, axis=0, return_inverse=True)
    shape = (len(baskets), len(as_of.products))
    matrix = csr_array((np.ones(len(pairs), np.float32), (places, rows[known])), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


def fit(baskets: csr_array) -> Mapping[str, csr_array]:
    """The neighbours that they give, by kind; none where nothing was bought."""
    return {str(ProductNeighbor.Kind.BOUGHT): neighbours.bought_together(baskets)}
