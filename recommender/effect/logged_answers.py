"""The answers that the log has of users, with what was clicked: what another rank is judged by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.effect.attribution_sql import SPAN_DAYS
from recommender.history import exclusion
from recommender.models import Catalog

# The latest; more would take longer to read and hardly narrow an interval.
_MOST = 10_000

# A click tells its answer: who clicked something that two lists held is not guessed at.
_ANSWERS = sql.SQL("""
WITH answers AS MATERIALIZED (
    SELECT r.rec_id, r.at, r.items, u.id AS user_id
    FROM recommender_recommendation r
    JOIN recommender_user u ON u.catalog_id = r.catalog_id AND u.external_id = r."user"
    WHERE r.catalog_id = %(catalog)s AND r.at >= %(since)s AND r.operation = 'for_user'
      AND NOT {excluded}
    ORDER BY r.at DESC LIMIT %(most)s
), clicked AS MATERIALIZED (
    SELECT a.rec_id, e.product_id
    FROM answers a JOIN recommender_event e ON e.user_id = a.user_id AND e.rec_id = a.rec_id
    WHERE e.type IN ('click', 'view') AND e.at < a.at + %(span)s::interval
      AND e.at >= %(since)s::timestamptz - interval '1 day'
    GROUP BY 1, 2
)
SELECT dense_rank() OVER (ORDER BY a.at, a.rec_id) - 1, a.user_id, p.id, i.place - 1,
       (i.item->>3)::float8, c.rec_id IS NOT NULL
FROM answers a
CROSS JOIN LATERAL jsonb_array_elements(a.items) WITH ORDINALITY i(item, place)
JOIN recommender_product p ON p.catalog_id = %(catalog)s AND p.external_id = i.item->>0
LEFT JOIN clicked c ON c.rec_id = a.rec_id AND c.product_id = p.id
ORDER BY 1, i.place
""").format(excluded=exclusion.is_excluded("u", "%(exclude_bots)s"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoggedAnswers:
    """Items of answers, answer by answer and each best first; all arrays of shape (items,)."""

    since: datetime
    answers: NDArray[np.int64]  # numbers from 0
    users: NDArray[np.int64]  # keys
    products: NDArray[np.int64]  # keys
    places: NDArray[np.int64]  # from 0
    propensities: NDArray[np.float64]
    clicks: NDArray[np.float64]  # 0 or 1


def read(catalog: Catalog, since: datetime) -> LoggedAnswers:
    """What the log has of lists for users since a time, the latest 10,000; one statement."""
    parameters = {
        "catalog": catalog.pk,
        "since": since,
        "most": _MOST,
        "span": timedelta(days=SPAN_DAYS),
        "exclude_bots": catalog.exclude_bots,
    }
    rows = np.array(database.fetch(_ANSWERS, parameters), dtype=np.float64).reshape(-1, 6)
    answers, users, products, places, propensities, clicks = rows.T
    return LoggedAnswers(
        since=since,
        answers=answers.astype(np.int64),
        users=users.astype(np.int64),
        products=products.astype(np.int64),
        places=places.astype(np.int64),
        propensities=propensities,
        clicks=clicks,
    )
