"""Products that a list leaves out by what a user did with them, and when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from recommender import database

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


@dataclass(frozen=True, slots=True)
class EventExclusion:
    """Products that the user had an event of this type with."""

    type: str
    seconds: float | None = None  # how long ago at most; None for ever


def excluded(
    user: int, rules: Sequence[EventExclusion], *, in_cart: bool, now: datetime
) -> NDArray[np.int64]:
    """Keys of the products that a user's events leave out, by the rules and by the cart.

    Args:
        user: the user's key.
        in_cart: whether what is in the user's cart is left out.
        now: what counts is before this time.
    """
    parameters = {
        "user": user,
        "types": [rule.type for rule in rules],
        "spans": [rule.seconds for rule in rules],
        "in_cart": in_cart,
        "cart": list(_CART),
        "now": now,
    }
    rows = database.fetch(_EXCLUDED, parameters)
    return np.array([row[0] for row in rows], dtype=np.int64)
