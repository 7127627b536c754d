"""Popularity: how many users, weighted by what they did, and when."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from psycopg import sql
from psycopg.types.json import Jsonb

from recommender import database
from recommender.history import exclusion, exposure, reader, repurchase
from recommender.models import Catalog

WINDOW = timedelta(days=30)
_WEEK, _QUARTER = timedelta(days=7), timedelta(days=90)
# Longer than any history.
_EVER = timedelta(days=365_000)

_EVENT = """
        SELECT e.user_id, e.product_id, e.at, {weight} AS weight, e.rec_id IS NULL AS is_own
        FROM recommender_event e JOIN (
            SELECT key, value::float8 AS weight FROM jsonb_each_text(%(weights)s::jsonb)
        ) w ON w.key = e.type AND w.weight <> 0
        WHERE e.catalog_id = %(catalog)s AND e.product_id IS NOT NULL AND e.at < %(before)s
          AND {counts}
"""

_SINCE = {
    name: sql.SQL(f"(%(before)s::timestamptz - %({parameter})s::interval)")
    for name, parameter in (("week", "week"), ("month", "window"), ("quarter", "quarter"))
}
_USERS = sql.SQL("""COALESCE(sum(CASE WHEN own_at >= {0} THEN 1 ELSE x.share END)
               FILTER (WHERE last_at >= {0}), 0)""")

# A row for each product that anybody liked. A user counts once for a product, by the heaviest of
# their events with it, of their ratings the last; what speaks against a product or says nothing
# does not count. Whom only lists led to it count for the share that their exposure leaves. What a
# reader does not select, PostgreSQL does not compute.
POPULARITY = sql.SQL("""
    SELECT product_id,
           sum(recent * x.share + COALESCE(own_recent, 0) * (1 - x.share)) AS recent,
           sum(total * x.share + COALESCE(own_total, 0) * (1 - x.share)) AS total,
           {users_in_week} AS week_users, {users_in_month} AS month_users,
           {users_in_quarter} AS quarter_users,
           sum(CASE WHEN own_at IS NULL THEN x.share ELSE 1 END) AS all_users,
           min(first_at) AS first_at
    FROM (
        SELECT e.product_id, e.user_id, max(e.weight) AS total,
               max(e.weight) FILTER (WHERE e.at >= {month}) AS recent,
               max(e.weight) FILTER (WHERE e.is_own) AS own_total,
               max(e.weight) FILTER (WHERE e.is_own AND e.at >= {month}) AS own_recent,
               min(e.at) AS first_at, max(e.at) AS last_at,
               max(e.at) FILTER (WHERE e.is_own) AS own_at
        FROM ({event} AND e.type <> 'rating' UNION ALL (
            SELECT DISTINCT ON (r.user_id, r.product_id) r.* FROM ({event} AND e.type = 'rating') r
            ORDER BY r.user_id, r.product_id, r.at DESC, r.weight DESC
        )) e
        WHERE e.weight > 0
        GROUP BY e.product_id, e.user_id
    ) strongest
    LEFT JOIN ({shares}) of_product USING (product_id)
    CROSS JOIN LATERAL (SELECT COALESCE(of_product.share, 1) AS share) x
    GROUP BY product_id
""").format(
    event=sql.SQL(_EVENT).format(
        counts=exclusion.COUNTS,
        weight=reader.weight(
            sql.SQL("w.weight"),
            worst=sql.SQL("%(rating_min)s::float8"),
            best=sql.SQL("%(rating_max)s::float8"),
        ),
    ),
    shares=exposure.SHARES,
    month=_SINCE["month"],
    **{f"users_in_{name}": _USERS.format(since) for name, since in _SINCE.items()},
)

_REPLACE = sql.SQL("""
INSERT INTO recommender_productpopularity (product_id, catalog_id, recent, total,
    week_users, month_users, quarter_users, all_users, first_at,
    repeat_days, repeat_variance, repeat_share)
SELECT s.product_id, %(catalog)s, COALESCE(s.recent, 0), s.total,
       s.week_users, s.month_users, s.quarter_users, s.all_users, s.first_at,
       r.repeat_days, r.repeat_variance, COALESCE(r.repeat_share, 0)
FROM ({popularity}) s JOIN recommender_product p ON p.id = s.product_id
LEFT JOIN ({repurchase}) r ON r.product_id = s.product_id
""").format(popularity=POPULARITY, repurchase=repurchase.REPURCHASE)


def clock(catalog: Catalog) -> datetime:
    """What 'now' is for a catalog: the time of day, or just past its last event.

    The latter, too, where there is no event in the window: of the last 30 days there is nothing to
    say then, of the last 30 that there are, there is.
    """
    now = timezone.now()
    latest: datetime | None = database.fetch(
        "SELECT max(at) FROM recommender_event WHERE catalog_id = %s", (catalog.pk,)
    )[0][0]
    if latest is None:
        return now
    is_past = catalog.clock == Catalog.Clock.LAST_EVENT or latest < now - WINDOW
    return latest + timedelta(microseconds=1) if is_past else now


def window(catalog: Catalog, before: datetime) -> dict[str, object]:
    """The parameters of POPULARITY for the popularity that stood at a time.

    Where times are made up, no event is more recent than another: every window is all of time.
    """
    is_timeless = catalog.has_made_up_times
    return {
        "catalog": catalog.pk,
        "before": before,
        "week": _EVER if is_timeless else _WEEK,
        "window": _EVER if is_timeless else WINDOW,
        "quarter": _EVER if is_timeless else _QUARTER,
        "weights": Jsonb(catalog.event_weights),
        "rating_min": catalog.rating_min,
        "rating_max": catalog.rating_max,
    }


def refresh(catalog: Catalog) -> None:
    """Count the catalog's popularity anew; readers see the old one until it is all there."""
    with transaction.atomic():
        # no_key: products and users of the catalog can be added meanwhile.
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        now = clock(catalog)
        database.execute(
            "DELETE FROM recommender_productpopularity WHERE catalog_id = %s", (catalog.pk,)
        )
        database.execute(_REPLACE, window(catalog, now))
        Catalog.objects.filter(pk=catalog.pk).update(popularity_refreshed_at=timezone.now())
