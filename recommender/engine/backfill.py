"""Filling a short list, and saying why a list is still short."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.engine import trace
from recommender.engine.answer import Answer, Item, Query, load_fields
from recommender.history import popularity
from recommender.models import Catalog
from recommender.ranking.ranker import reciprocal_rank
from recommender.retrieval import filter_cache
from recommender.retrieval.filters import Filter

POPULAR, NEWEST, TRENDING = "popular", "newest", "trending"
# Why a list is short, where nobody counts what is not in it.
NO_MORE = "no more products fit"

_POPULAR_NOW = sql.SQL("""
SELECT p.external_id, s.recent, p.id FROM recommender_productpopularity s
JOIN recommender_product p ON p.id = s.product_id
WHERE s.catalog_id = %(catalog)s AND {condition} AND {keep}
ORDER BY s.catalog_id, s.recent DESC, s.total DESC, s.product_id LIMIT {limit}
""")

_POPULAR_THEN = sql.SQL("""
SELECT p.external_id, COALESCE(s.recent, 0) AS recent, p.id FROM ({popularity}) s
JOIN recommender_product p ON p.id = s.product_id
WHERE {condition} AND {keep}
ORDER BY recent DESC, s.total DESC, s.product_id LIMIT {limit}
""")

# Users above those of a usual week of the quarter, in standard deviations of a Poisson count.
_TRENDING = sql.SQL("""
SELECT p.external_id, (s.week_users - s.quarter_users * 7 / 90.0)
    / sqrt(s.quarter_users * 7 / 90.0 + 1) AS surplus, p.id
FROM recommender_productpopularity s JOIN recommender_product p ON p.id = s.product_id
WHERE s.catalog_id = %(catalog)s AND s.week_users > 0 AND {condition} AND {keep}
ORDER BY surplus DESC, s.week_users DESC, s.product_id LIMIT {limit}
""")

_NEWEST = sql.SQL("""
SELECT p.external_id, 0::float8, p.id FROM recommender_product p
WHERE p.catalog_id = %(catalog)s AND {condition} AND {keep}
ORDER BY CASE WHEN p.released_at > %(now)s THEN p.released_at END ASC NULLS FIRST,
    COALESCE(p.released_at, p.created_at) DESC, p.id DESC LIMIT {limit}
""")


@dataclass(frozen=True, slots=True)
class Listed:
    """A product of a list that needs no history, with the list's own score."""

    id: str
    score: float
    key: int


def complete(
    catalog: Catalog,
    items: Sequence[Item],
    query: Query,
    *,
    excluded: Sequence[int] = (),
    spaces: tuple[str, ...] = (),
    missing_ids: tuple[str, ...] = (),
    fallback: str | None = None,
) -> Answer:
    """The answer of these items, with the fields asked for, and the reason if they are few."""
    short = len(items) < query.count
    with trace.stage("fields"):
        carried = load_fields(catalog.pk, [item.id for item in items], query.fields)
    return Answer(
        items=tuple(replace(item, fields=carried.get(item.id, {})) for item in items)
        if query.fields
        else tuple(items),
        spaces=spaces,
        complete=not short,
        reason=_reason(catalog, query, len(items), excluded) if short else None,
        missing_ids=missing_ids,
        fallback=fallback,
        degraded=query.filter.degraded if query.filter else {},
    )


def fall_back(
    catalog: Catalog,
    query: Query,
    *,
    excluded: Sequence[int] = (),
    filters: Iterable[Filter | None] | None = None,
    missing_ids: tuple[str, ...] = (),
) -> Answer:
    """What is popular, then what is new, where nothing is known to go by.

    Args:
        filters: tried in order until the list is full; the query's own by default.
    """
    items: dict[str, Item] = {}
    for next_filter in [query.filter] if filters is None else filters:
        fill(catalog, items, query, excluded=excluded, filter=next_filter)
    listed = list(items.values())[: query.count]
    name = listed[0].source if listed else POPULAR
    return complete(
        catalog, listed, query, excluded=excluded, missing_ids=missing_ids, fallback=name
    )


def fill(
    catalog: Catalog,
    items: dict[str, Item],
    query: Query,
    *,
    excluded: Sequence[int],
    filter: Filter | None,  # noqa: A002 - the API's word
    popular_products: Sequence[Listed] = (),
) -> None:
    """Add popular, then new products to a list by id until it is as long as asked for.

    Args:
        popular_products: what is popular, known already and without what is excluded: of many
            lists, few then need to look for more.
    """
    room = query.count + len(items)
    if len(items) >= query.count:
        return
    excluded = (*excluded, *query.after.shown)
    with trace.stage("backfill"):
        had = len(items)
        _append(items, popular_products, POPULAR, query.count)
        if len(items) < query.count:
            listed = popular(catalog, room, filter=filter, excluded=excluded, before=query.before)
            _append(items, listed, POPULAR, query.count)
        if len(items) < query.count:
            listed = newest(catalog, room, filter=filter, excluded=excluded, before=query.before)
            _append(items, listed, NEWEST, query.count)
        trace.note(added=len(items) - had)


def _append(items: dict[str, Item], candidates: Sequence[Listed], channel: str, count: int) -> None:
    score = min((item.score for item in items.values()), default=1.0)
    for candidate in candidates:
        if len(items) >= count:
            return
        if candidate.id not in items:
            # By its place, and never above what has a score of its own on whatever scale.
            score = min(score, reciprocal_rank(len(items) + 1))
            items[candidate.id] = Item(candidate.id, score, channel, {channel: score})


def _reason(catalog: Catalog, query: Query, listed: int, excluded: Sequence[int]) -> str:
    """How many products could have been listed, and what became of those that were not."""
    if not query.counts_others:
        return NO_MORE
    number = filter_cache.count(catalog.pk, query.filter)
    left_out = filter_cache.count(catalog.pk, query.filter, excluded) if excluded else 0
    without_vector = number - left_out - listed
    products = "1 product" if number == 1 else f"{number} products"
    text = f"filter matches {products}" if query.filter else f"{products} in stock"
    if left_out:
        text += f", {left_out} of them excluded"
    return f"{text}, {without_vector} without a vector" if without_vector > 0 else text


def popular(
    catalog: Catalog,
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
    before: datetime | None = None,
) -> list[Listed]:
    """Available products by what the last 30 days, then all time, thought of them.

    Now from the table that a periodic task keeps; for a time in the past, counted from events.
    """
    if before is None:
        return run(_POPULAR_NOW, {"catalog": catalog.pk}, limit, filter, excluded)
    past = popularity.window(catalog, before)
    return run(_POPULAR_THEN, past, limit, filter, excluded)


def newest(
    catalog: Catalog,
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
    before: datetime | None = None,
) -> list[Listed]:
    """Available products, the latest first; last those whose day is still to come, the next first.

    Args:
        before: the time that it is; the catalog's own by default.
    """
    is_past = before is None and catalog.clock == Catalog.Clock.LAST_EVENT
    now = popularity.clock(catalog) if is_past else before or timezone.now()
    return run(_NEWEST, {"catalog": catalog.pk, "now": now}, limit, filter, excluded)


def trending(
    catalog: Catalog,
    limit: int,
    *,
    filter: Filter | None = None,  # noqa: A002 - the API's word
    excluded: Sequence[int] = (),
) -> list[Listed]:
    """Available products that have more users this week than in a usual week of the quarter."""
    listed = run(_TRENDING, {"catalog": catalog.pk}, limit, filter, excluded)
    return [replace(one, score=float(one.score)) for one in listed if one.score > 0]


def run(
    query: sql.SQL,
    parameters: dict[str, object],
    limit: int,
    filter: Filter | None,  # noqa: A002 - the API's word
    excluded: Sequence[int],
    **parts: sql.Composable,
) -> list[Listed]:
    """The rows of a statement of (id, score, key), with the filter, without what is excluded."""
    if filter is not None:
        parameters = {**parameters, **filter.parameters}
    keep = sql.SQL("true")
    if excluded:
        keep = sql.SQL("p.id NOT IN (SELECT unnest(%(excluded)s::bigint[]))")
        parameters = {**parameters, "excluded": database.array_text(excluded)}
    statement = query.format(
        condition=filter_cache.condition(filter),
        keep=keep,
        limit=sql.Literal(limit),
        popularity=popularity.POPULARITY,
        **parts,
    )
    return [Listed(*row) for row in database.fetch(statement, parameters)]
