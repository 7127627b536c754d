"""What users did, for kinds of insight: streamed user by user, so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from recommender import arrays, database
from recommender.analysis.activity import Events
from recommender.models import Catalog

# Impressions and what else weighs nothing is what a page did, not what a user did.
_EVENTS = sql.SQL("""
COPY (
    SELECT e.user_id, e.product_id, extract(epoch FROM e.at)::float8, e.type = 'purchase'
    FROM recommender_event e JOIN recommender_product p ON p.id = e.product_id
    WHERE e.catalog_id = {catalog} AND e.type = ANY({types})
    ORDER BY e.user_id, e.at
) TO STDOUT (FORMAT binary)
""")
_ROW = arrays.row_type(user="i8", product="i8", time="f8", is_purchase="?")


def read_events(catalog: Catalog) -> Iterator[Events]:
    """All that users did with products, in parts of whole users, ordered by user and time.

    Until the last part has come, Django's connection takes no other statement.
    """
    types = [type_ for type_, weight in catalog.event_weights.items() if float(weight)]
    statement = _EVENTS.format(catalog=sql.Literal(catalog.pk), types=sql.Literal(types))
    rest = np.zeros(0, dtype=_ROW)
    with database.copy(statement) as stream:
        for rows in arrays.copied(stream, _ROW):
            held = np.concatenate([rest, rows])
            # The last user's events may go on in the next part.
            last = held["user"][-1] if len(held) else 0
            whole = int(np.searchsorted(held["user"], last))
            rest = held[whole:]
            yield _events(held[:whole])
    yield _events(rest)


def _events(rows: NDArray[np.void]) -> Events:
    return Events(
        users=rows["user"].astype(np.int64),
        products=rows["product"].astype(np.int64),
        times=rows["time"].astype(np.float64),
        is_purchase=rows["is_purchase"].astype(bool),
    )
