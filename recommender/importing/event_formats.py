"""Formats of events: analytics exports and public sets."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np

from recommender.importing.formats import Format, Headless, beside, made, one_of
from recommender.importing.mapping import column, path
from recommender.importing.public_formats import GA4_ITEM, ga4_left_out
from recommender.importing.row import RefusedError, Row, Values

_UNIX, _ISO = r"\d{9,10}", r"\d{4}-\d\d-\d\dT[\d:.]+Z"
_STARS = r"\d{1,2}(\.\d)?"
_RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")

# https://www.kaggle.com/datasets/retailrocket/ecommerce-dataset
RETAILROCKET = Format(
    name="retailrocket",
    title="events of RetailRocket",
    kind="events",
    marks=(frozenset({"visitorid", "itemid", "event"}),),
    fields={
        "user": column("visitorid"),
        "product": column("itemid"),
        "type": column("event"),
        "at": column("timestamp"),
        "order": column("transactionid"),
    },
    types={"view": "view", "addtocart": "add_to_cart", "transaction": "purchase"},
)

# https://grouplens.org/datasets/movielens/
MOVIELENS = Format(
    name="movielens",
    title="ratings of MovieLens",
    kind="events",
    marks=(frozenset(_RATING_COLUMNS),),
    headless=(
        Headless(_RATING_COLUMNS, "\t", (r"\d+", r"\d+", _STARS, _UNIX)),
        Headless(_RATING_COLUMNS, "::", (r"\d+", r"\d+", _STARS, _UNIX)),
    ),
    fields={
        "user": column("userId"),
        "product": column("movieId"),
        "value": column("rating"),
        "at": column("timestamp"),
    },
    type="rating",
    note="ratings.csv, u.data and ratings.dat.",
)

# https://cseweb.ucsd.edu/~jmcauley/datasets/amazon_v2/ and https://amazon-reviews-2023.github.io
AMAZON = Format(
    name="amazon",
    title="Amazon reviews of 2018 or 2023",
    kind="events",
    marks=(
        frozenset({"reviewerID", "asin", "overall", "unixReviewTime"}),
        frozenset({"user_id", "parent_asin", "rating", "timestamp"}),
    ),
    fields={
        "user": one_of("user_id", "reviewerID"),
        "product": one_of("parent_asin", "asin"),
        "value": one_of("rating", "overall"),
        "at": one_of("timestamp", "unixReviewTime"),
    },
    type="rating",
)

# https://support.google.com/analytics/answer/7029846
_GA4_TYPES = {
    "view_item": "view",
    "select_item": "click",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "add_to_wishlist": "bookmark",
    "purchase": "purchase",
    "in_app_purchase": "purchase",
    "ecommerce_purchase": "purchase",
    "refund": "return",
    "view_item_list": "impression",
}


def _ga4_left_out(row: Values) -> str | None:
    if str(row.get("event_name") or "") not in _GA4_TYPES:
        return "events of other types"
    return ga4_left_out(row)


def _ga4_order(row: Values) -> str | None:
    ecommerce = row.get("ecommerce")
    number = ecommerce.get("transaction_id") if isinstance(ecommerce, dict) else None
    return None if number in (None, "", "(not set)") else str(number)


def _ga4_quantity(row: Values) -> object:
    """How many were bought; of a view it says nothing."""
    item = GA4_ITEM.value(row) or {}
    return item.get("quantity") if _GA4_TYPES.get(str(row["event_name"])) == "purchase" else None


GA4 = Format(
    name="ga4",
    title="a BigQuery export of Google Analytics 4",
    kind="events",
    marks=(frozenset({"event_name", "event_timestamp", "items"}),),
    fields={
        "user": one_of("user_id", "user_pseudo_id"),
        "product": path("items[].item_id", each=True),
        "type": column("event_name"),
        "at": column("event_timestamp"),
        "quantity": replace(GA4_ITEM, value=_ga4_quantity),
        "order": made(_ga4_order, "ecommerce"),
    },
    left_out=_ga4_left_out,
    types=_GA4_TYPES,
    note="An event of several items is an event for each of them.",
)

# https://www.kaggle.com/c/instacart-market-basket-analysis
_LAST_ORDER = datetime(2017, 12, 31, tzinfo=UTC)


def _instacart_rows(rows: Iterator[Row], file: Path) -> Iterator[Row]:
    """The rows with the user and the time of their order, which has a file of its own."""
    orders = _orders_beside(file)
    for row in rows:
        user, at = orders.of(row.values.get("order_id", ""))
        if user is None:
            yield replace(row, problem="order_id is not in orders.csv")
        else:
            yield replace(row, values={**row.values, "user_id": user, "at": at})


class _Orders:
    """Who made each order, and how many days before the last of that user's.

    The set has the days since the order before, and no dates: every user's last order is put on
    one day.
    """

    def __init__(self, rows: Iterator[Values]) -> None:
        fields = ("order_id", "user_id", "order_number", "days_since_prior_order")
        numbers = np.fromiter(
            ([float(row[name] or 0) for name in fields] for row in rows),
            dtype=np.dtype((np.float64, len(fields))),
        ).astype(np.float64)
        if not len(numbers):
            raise RefusedError("orders.csv has no orders.")
        numbers = numbers[np.lexsort((numbers[:, 2], numbers[:, 1]))]
        self._ids = numbers[:, 0].astype(np.int64)
        self._users = numbers[:, 1].astype(np.int64)
        # Of each user, the days from an order to the last: what is after it in the user's rows.
        days = np.cumsum(numbers[:, 3])
        last = np.searchsorted(self._users, self._users, side="right") - 1
        self._days_before = days[last] - days
        by_id = np.argsort(self._ids)
        self._ids, self._users = self._ids[by_id], self._users[by_id]
        self._days_before = self._days_before[by_id]

    def of(self, order: str) -> tuple[str | None, datetime]:
        """The user and the time of an order; no user where there is no such order."""
        number = int(order) if order.isdecimal() else -1
        place = int(np.searchsorted(self._ids, number))
        if place == len(self._ids) or self._ids[place] != number:
            return None, _LAST_ORDER
        days = timedelta(days=float(self._days_before[place]))
        return str(self._users[place]), _LAST_ORDER - days


@lru_cache(maxsize=1)
def _orders_beside(file: Path) -> _Orders:
    """The orders of a file of products ordered, which is gone through more than once."""
    return _Orders(beside(file, "orders.csv"))


INSTACART = Format(
    name="instacart",
    title="orders of Instacart",
    kind="events",
    marks=(frozenset({"order_id", "product_id", "add_to_cart_order", "reordered"}),),
    fields={
        "user": made(lambda row: row["user_id"], "order_id"),
        "product": column("product_id"),
        "at": made(lambda row: row["at"], "order_id"),
        "order": column("order_id"),
    },
    rows=_instacart_rows,
    type="purchase",
    note="order_products__prior.csv and __train.csv, with orders.csv beside it.",
)

# https://www.kaggle.com/datasets/chadgostopp/recsys-challenge-2015
YOOCHOOSE_CLICKS = Format(
    name="yoochoose",
    title="clicks of Yoochoose",
    kind="events",
    marks=(frozenset({"Session ID", "Timestamp", "Item ID", "Category"}),),
    headless=(
        Headless(
            ("Session ID", "Timestamp", "Item ID", "Category"),
            ",",
            (r"\d+", _ISO, r"\d+", r"\w+"),
        ),
    ),
    fields={
        "user": column("Session ID"),
        "product": column("Item ID"),
        "at": column("Timestamp"),
    },
    type="view",
    note="A session counts as a user.",
)
YOOCHOOSE_BUYS = Format(
    name="yoochoose",
    title="purchases of Yoochoose",
    kind="events",
    marks=(frozenset({"Session ID", "Timestamp", "Item ID", "Price", "Quantity"}),),
    headless=(
        Headless(
            ("Session ID", "Timestamp", "Item ID", "Price", "Quantity"),
            ",",
            (r"\d+", _ISO, r"\d+", r"\d+", r"\d+"),
        ),
    ),
    fields={
        "user": column("Session ID"),
        "product": column("Item ID"),
        "at": column("Timestamp"),
        # The set writes 0 where it is not known.
        "quantity": made(lambda row: row["Quantity"].strip("0") and row["Quantity"], "Quantity"),
    },
    type="purchase",
    note="A session counts as a user.",
)

# https://www.kaggle.com/c/h-and-m-personalized-fashion-recommendations
HM = Format(
    name="hm",
    title="purchases of H&M",
    kind="events",
    marks=(frozenset({"t_dat", "customer_id", "article_id"}),),
    fields={
        "user": column("customer_id"),
        "product": column("article_id"),
        "at": column("t_dat"),
    },
    type="purchase",
)

FORMATS = (RETAILROCKET, MOVIELENS, AMAZON, GA4, INSTACART, YOOCHOOSE_CLICKS, YOOCHOOSE_BUYS, HM)
