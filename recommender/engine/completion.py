"""Filling a short list, and saying why a list is still short."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from recommender.engine import fields, passing, popular, ranking, retrieval
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.filters import Filter
from recommender.engine.ranking import Candidate
from recommender.models import Catalog


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
    carried = fields.load(catalog.pk, [item.id for item in items], query.fields)
    return Answer(
        items=tuple(replace(item, fields=carried.get(item.id, {})) for item in items)
        if query.fields
        else tuple(items),
        spaces=spaces,
        complete=not short,
        reason=_reason(catalog, query, len(items), excluded) if short else None,
        missing_ids=missing_ids,
        fallback=fallback,
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
    for each in [query.filter] if filters is None else filters:
        fill(catalog, items, query, excluded=excluded, filter=each)
    listed = list(items.values())[: query.count]
    name = listed[0].channel if listed else popular.POPULAR
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
    standing: Sequence[Candidate] = (),
) -> None:
    """Add popular, then new products to a list by id until it is as long as asked for.

    Args:
        standing: what is popular, known already and without what is excluded: of many lists, few
            then need to look for more.
    """
    room = query.count + len(items)
    if len(items) < query.count:
        _append(items, standing, popular.POPULAR, query.count)
    if len(items) < query.count:
        found = popular.popular(
            catalog, room, filter=filter, excluded=excluded, before=query.before
        )
        _append(items, found, popular.POPULAR, query.count)
    if len(items) < query.count:
        found = popular.newest(catalog, room, filter=filter, excluded=excluded)
        _append(items, found, popular.NEWEST, query.count)


def _append(items: dict[str, Item], found: Sequence[Candidate], channel: str, count: int) -> None:
    score = min((item.score for item in items.values()), default=1.0)
    for candidate in found:
        if len(items) >= count:
            return
        if candidate.id not in items:
            # By its place, and never above what has a score of its own on whatever scale.
            score = min(score, ranking.reciprocal_rank(len(items) + 1))
            items[candidate.id] = Item(candidate.id, score, channel, {channel: score})


def _reason(catalog: Catalog, query: Query, listed: int, excluded: Sequence[int]) -> str:
    """How many products could have been listed, and what became of those that were not."""
    number = passing.count(catalog.pk, query.filter)
    left_out = len(retrieval.available(catalog.pk, excluded, query.filter)) if excluded else 0
    without_vector = number - left_out - listed
    products = "1 product" if number == 1 else f"{number} products"
    text = f"filter matches {products}" if query.filter else f"{products} in stock"
    if left_out:
        text += f", {left_out} of them excluded"
    return f"{text}, {without_vector} without a vector" if without_vector > 0 else text
