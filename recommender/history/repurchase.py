"""When a product is bought again: how long after, and whether at all.

An interval is learnt for each product and each user with it: the geometric mean of the days
between purchases, with the product's drawn to the catalog's and the user's to the product's
(empirical Bayes, Efron & Morris 1975). Intervals are about log-normal, so that the likeliest is
exp(μ − σ²): long before the mean where they vary much, close to it where they are regular. From
then on a product is due.
"""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.history import exclusion

# How many intervals one that is not known is worth: of all products, and of all users.
_OF_CATALOG, _OF_PRODUCT = 5.0, 2.0
# Fewer of a product's buyers buying again make no consumable, unless the user has done so.
_LEAST_SHARE = 0.05
# Days: what is bought again sooner is one purchase in two parts.
_SHORTEST = 0.5

# A row for each product that anybody bought: the days between two purchases of a user and the
# variance of their logarithm, NULL where nobody in the catalog bought anything again, and the share
# of its buyers who did.
REPURCHASE = sql.SQL("""
    WITH gaps AS (
        SELECT product_id, user_id, ln(days) AS log_days FROM (
            SELECT e.product_id, e.user_id, extract(epoch FROM e.at - lag(e.at) OVER (
                PARTITION BY e.user_id, e.product_id ORDER BY e.at))::float8 / 86400 AS days
            FROM recommender_event e
            WHERE e.catalog_id = %(catalog)s AND e.type = 'purchase' AND e.at < %(before)s
              AND e.product_id IS NOT NULL AND {counts}
        ) since WHERE days >= {shortest}
    ), buyers AS (
        SELECT e.product_id, count(DISTINCT e.user_id) AS number FROM recommender_event e
        WHERE e.catalog_id = %(catalog)s AND e.type = 'purchase' AND e.at < %(before)s
          AND e.product_id IS NOT NULL AND {counts}
        GROUP BY e.product_id
    ), products AS (
        SELECT b.product_id, b.number, count(g.log_days) AS gaps,
               COALESCE(sum(g.log_days), 0) AS sum, count(DISTINCT g.user_id) AS again,
               COALESCE(var_pop(g.log_days), 0) * count(g.log_days) AS squares
        FROM buyers b LEFT JOIN gaps g USING (product_id) GROUP BY b.product_id, b.number
    ), catalog AS (
        SELECT sum(sum) / NULLIF(sum(gaps), 0) AS mean, sum(again) / sum(number) AS share,
               sum(squares) / NULLIF(sum(gaps), 0) AS variance
        FROM products
    )
    SELECT p.product_id,
           exp((p.sum + {of_catalog} * c.mean) / (p.gaps + {of_catalog})) AS repeat_days,
           (p.squares + {of_catalog} * c.variance) / (p.gaps + {of_catalog}) AS repeat_variance,
           (p.again + {of_catalog} * c.share)::float8 / (p.number + {of_catalog}) AS repeat_share
    FROM products p CROSS JOIN catalog c
""").format(
    shortest=sql.Literal(_SHORTEST),
    of_catalog=sql.Literal(_OF_CATALOG),
    counts=exclusion.COUNTS,
)

# Keys of the products that a user has bought and may need again.
_DUE_ROWS = """
SELECT b.product_id FROM (
    SELECT e.product_id, max(e.at) AS last, count(*) - 1 AS gaps,
           extract(epoch FROM max(e.at) - min(e.at))::float8 / 86400 AS days
    FROM recommender_event e
    WHERE e.user_id = %(user)s AND e.type = 'purchase' AND e.product_id IS NOT NULL
      AND e.at < %(now)s
    GROUP BY e.product_id
) b JOIN recommender_productpopularity s ON s.product_id = b.product_id
WHERE s.repeat_days IS NOT NULL AND (s.repeat_share >= %(least)s OR b.days >= %(shortest)s)
  AND extract(epoch FROM %(now)s::timestamptz - b.last)::float8 / 86400 >= exp((
      CASE WHEN b.days >= %(shortest)s THEN b.gaps * ln(b.days / b.gaps) ELSE 0 END
      + %(of_product)s * ln(s.repeat_days)
  ) / (CASE WHEN b.days >= %(shortest)s THEN b.gaps ELSE 0 END + %(of_product)s)
  - s.repeat_variance)
"""


def due(user: int, now: datetime) -> NDArray[np.int64]:
    """Keys of the products that a user, given by key, bought so long ago that they are due again.

    By the intervals that were learnt when popularity was counted last.
    """
    parameters = {
        "user": user,
        "now": now,
        "least": _LEAST_SHARE,
        "shortest": _SHORTEST,
        "of_product": _OF_PRODUCT,
    }
    rows = database.fetch(_DUE_ROWS, parameters)
    return np.array([row[0] for row in rows], dtype=np.int64)
