"""Products that a list leaves out by what a user did with them, and when."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender import database
from recommender.engine.answer import Query
from recommender.history import popularity, repurchase
from recommender.models import Catalog

# The latest of these says whether a product is in the user's cart.
_CART = ("add_to_cart", "remove_from_cart", "purchase")

# Keys of products with an event of a type that is recent enough, and of those in the cart.
_EXCLUDED = """
SELECT e.product_id FROM recommender_event e
JOIN unnest(%(types)s::text[], %(spans)s::float8[]) AS rule(type, span)
    ON rule.type = e.type
   AND (rule.span IS NULL OR e.at >= %(now)s::timestamptz - make_interval(secs => rule.span))
WHERE e.user_id = %(user)s AND e.product_id IS NOT NULL AND e.at < %(now)s
UNION
SELECT cart.product_id FROM (
    SELECT DISTINCT ON (e.product_id) e.product_id, e.type FROM recommender_event e
    WHERE %(in_cart)s AND e.user_id = %(user)s AND e.type = ANY(%(cart)s) AND e.at < %(now)s
      AND e.product_id IS NOT NULL
    ORDER BY e.product_id, e.at DESC, e.id DESC
) cart WHERE cart.type = 'add_to_cart'
"""


def left_out(
    catalog: Catalog, user: int, own: NDArray[np.int64], query: Query
) -> NDArray[np.int64]:
    """Keys of the products that a query leaves out; more where events, the cart or a page say so.

    Args:
        user: the user's key.
        own: what it leaves out of the products that they had.
    """
    if query.repeats:
        own = np.setdiff1d(own, repurchase.due(user, _now(catalog, query)))
    if query.event_exclusions or query.excludes_cart:
        own = np.union1d(own, _by_events(catalog, user, query))
    return and_shown(own, query)


def and_shown(keys: NDArray[np.int64], query: Query) -> NDArray[np.int64]:
    """The same with what pages before showed."""
    shown = query.after.shown
    return np.union1d(keys, np.array(shown, dtype=np.int64)) if shown else keys


def _by_events(catalog: Catalog, user: int, query: Query) -> NDArray[np.int64]:
    rules = query.event_exclusions
    parameters = {
        "user": user,
        "types": [rule.type for rule in rules],
        "spans": [rule.seconds for rule in rules],
        "in_cart": query.excludes_cart,
        "cart": list(_CART),
        "now": _now(catalog, query),
    }
    rows = database.fetch(_EXCLUDED, parameters)
    return np.array([row[0] for row in rows], dtype=np.int64)


def _now(catalog: Catalog, query: Query) -> datetime:
    return query.before or popularity.clock(catalog)
