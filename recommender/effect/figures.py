"""What lists brought in a period, and in the one before: read from the daily figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from psycopg import sql

from recommender import database
from recommender.effect import estimates
from recommender.models import Catalog
from recommender.ranking.metrics import Interval

By = Literal["placement", "variant", "source", "product", "day"]
DAYS = 28
MOST_DAYS = 3_660
_DAY = timedelta(days=1)

# A list without a placement is known by its operation.
_PLACE = "COALESCE(f.placement, f.operation)"
_KEYS: Mapping[By, Mapping[str, str]] = {
    "placement": {"placement": _PLACE},
    "variant": {"placement": _PLACE, "variant": "f.variant"},
    "source": {"source": "f.source"},
    "product": {"product": "p.external_id", "title": "p.title"},
    "day": {"day": "f.day"},
}
_SUMS = ("impressions", "clicks", "carts", "purchases", "revenue", "revenue_squares")

_OWED = sql.SQL("""
SELECT {keys} {sums}
FROM recommender_effectfigure f LEFT JOIN recommender_product p ON p.id = f.product_id
WHERE f.catalog_id = %(catalog)s AND f.day >= %(before)s AND f.day <= %(until)s
  AND f.operation <> '' AND f.hours <= %(hours)s
{grouped}
""")
_GROUPED = sql.SQL("""GROUP BY {numbers} HAVING bool_or(f.day >= %(since)s)
ORDER BY {order} sum(f.revenue) FILTER (WHERE f.day >= %(since)s) DESC NULLS LAST,
         sum(f.clicks) FILTER (WHERE f.day >= %(since)s) DESC NULLS LAST, {numbers}
LIMIT %(limit)s""")
_WHOLE = """
SELECT f.day >= %(since)s, COALESCE(sum(f.orders), 0)::bigint,
       COALESCE(sum(f.orders) FILTER (WHERE f.hours <= %(hours)s), 0)::bigint,
       COALESCE(sum(f.revenue), 0), COALESCE(sum(f.unknown), 0)::bigint
FROM recommender_effectfigure f
WHERE f.catalog_id = %(catalog)s AND f.day >= %(before)s AND f.day <= %(until)s
  AND f.operation = ''
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Days (UTC), the first and the last of them."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "Period":
        """As many days right before."""
        return Period(self.since - self.days * _DAY, self.since - _DAY)


def last_days(number: int = DAYS, until: date | None = None) -> Period:
    """So many days up to today, or up to another."""
    last = until or datetime.now(UTC).date()
    return Period(last - (number - 1) * _DAY, last)


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted, and the shares and means of it; None for those of nothing."""

    impressions: int = 0
    clicks: int = 0
    carts: int = 0
    purchases: int = 0
    revenue: float = 0.0
    revenue_squares: float = 0.0

    @property
    def click_through(self) -> Interval | None:
        """Clicks a product seen in a list."""
        return estimates.share(self.clicks, self.impressions)

    @property
    def conversion(self) -> Interval | None:
        """Purchases a click, at most 1."""
        return estimates.share(self.purchases, self.clicks)

    @property
    def revenue_per_1000(self) -> Interval | None:
        """Revenue for 1,000 products seen in lists."""
        return estimates.mean(self.revenue, self.revenue_squares, self.impressions, per=1000)


@dataclass(frozen=True, slots=True)
class Whole:
    """The catalog's orders, those that lists touched, and its revenue, of lists or not."""

    orders: int = 0
    touched: int = 0
    revenue: float = 0.0
    unknown: int = 0  # events with a rec_id that the log does not have

    @property
    def touched_share(self) -> Interval | None:
        """Of the orders, those that a list had a part in."""
        return estimates.share(self.touched, self.orders)


@dataclass(frozen=True, slots=True)
class Group:
    """What lists of one kind brought; the keys say of which."""

    keys: Mapping[str, str | date | None]
    now: Figures
    before: Figures | None  # None where the group itself is a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the lists of a catalog brought in a period."""

    period: Period
    hours: int  # the longest last touch
    total: Group
    whole: Whole
    whole_before: Whole
    groups: Sequence[Group]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was seen, clicked or bought by way of a list."""
        return self.total.now == Figures()


def read(
    catalog: Catalog,
    period: Period,
    by: By = "placement",
    *,
    hours: int | None = None,
    limit: int = 100,
) -> Effect:
    """What lists brought, whole and by their kinds, those first that brought most.

    Args:
        hours: the longest last touch that counts, as of the catalog where it is not given.
    """
    hours = catalog.touch_hours if hours is None else hours
    parameters = {
        "catalog": catalog.pk,
        "before": period.since if by == "day" else period.before.since,
        "since": period.since,
        "until": period.until,
        "hours": hours,
        "limit": limit,
    }
    whole = {
        is_now: Whole(*counts)
        for is_now, *counts in database.fetch(_WHOLE, parameters | {"before": period.before.since})
    }
    (total,) = _groups(parameters | {"before": period.before.since}, {})
    return Effect(
        period=period,
        hours=hours,
        total=total,
        whole=whole.get(True, Whole()),
        whole_before=whole.get(False, Whole()),
        groups=_groups(parameters, _KEYS[by]),
    )


def _groups(parameters: Mapping[str, object], keys: Mapping[str, str]) -> list[Group]:
    grouped: sql.Composable = sql.SQL("")
    if keys:
        numbers = sql.SQL(", ").join(sql.SQL(str(place + 1)) for place in range(len(keys)))
        order = sql.SQL("1," if "day" in keys else "")
        grouped = _GROUPED.format(numbers=numbers, order=order)
    columns = [sql.SQL(expression + ",") for expression in keys.values()]
    query = _OWED.format(keys=sql.SQL(" ").join(columns), sums=_sums(), grouped=grouped)
    has_before = "day" not in keys
    rows = database.fetch(query, parameters)
    return [
        _group(dict(zip(keys, row, strict=False)), row[len(keys) :], has_before) for row in rows
    ]


def _sums() -> sql.Composed:
    """Of each figure the sum of the period, then of each that of the one before."""
    return sql.SQL(", ").join(
        sql.SQL("COALESCE(sum({}) FILTER (WHERE f.day {} %(since)s), 0)::{}").format(
            sql.Identifier("f", name),
            sql.SQL(side),
            sql.SQL("float8" if name.startswith("revenue") else "bigint"),
        )
        for side in (">=", "<")
        for name in _SUMS
    )


def _group(keys: dict[str, str | date | None], sums: Sequence[float], has_before: bool) -> Group:
    now, before = sums[: len(_SUMS)], sums[len(_SUMS) :]
    return Group(keys, _figures(now), _figures(before) if has_before else None)


def _figures(sums: Sequence[float]) -> Figures:
    impressions, clicks, carts, purchases = map(int, sums[:4])
    return Figures(impressions, clicks, carts, purchases, *sums[4:])
