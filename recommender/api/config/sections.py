"""Sections of a catalog's document that are values: settings, types, weights, synonyms, a feed.

Each is read as the document has it, and brought to what one says.
"""

from collections.abc import Iterator, Mapping
from datetime import time
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from embeddings.media.addresses import HIDDEN, user_of
from recommender.api.config.change import (
    ADD,
    REMOVE,
    Change,
    ConfigError,
    Target,
    at,
    compared,
)
from recommender.api.config.document import FeedIn, SettingsIn, SynonymsIn
from recommender.catalog import attributes, catalogs, feeds
from recommender.importing import product_arguments
from recommender.importing.row import RefusedError
from recommender.models import Catalog, Feed, Synonyms
from recommender.spaces.lifecycle import active_space

_COLUMNS = tuple(
    name for name in SettingsIn.model_fields if name not in ("model", "dimension", "rating_scale")
)
# What a space is made with, and then keeps.
_OF_A_SPACE = ("model", "dimension")


def read_settings(catalog: Catalog) -> dict[str, Any]:
    """All settings."""
    space = active_space(catalog.pk)
    of_space = {} if space is None else {name: getattr(space, name) for name in _OF_A_SPACE}
    told = {name: getattr(catalog, name) for name in _COLUMNS}
    budget = told["monthly_budget"]
    told["monthly_budget"] = None if budget is None else float(budget)
    return {**of_space, **told, "rating_scale": list(catalog.rating_scale)}


def bring_settings(target: Target, given: SettingsIn | None) -> Iterator[Change]:
    """Change what is said and another.

    Raises:
        ConfigError: a value cannot be.
    """
    if given is None:
        return
    before = read_settings(target.catalog)
    said = given.model_dump(include=given.model_fields_set)
    after = {name: value for name, value in said.items() if before.get(name) != value}
    for name in after.keys() & _OF_A_SPACE:
        message = (
            f"The space that serves has {before.get(name)}; another is made beside it: "
            f"./kinship space create --catalog {target.catalog.name}"
        )
        raise ConfigError.at((name,), message)
    if not after:
        return
    changed: Any = dict(after)
    if "monthly_budget" in after:
        budget = after["monthly_budget"]
        changed["monthly_budget"] = catalogs.NO_LIMIT if budget is None else Decimal(str(budget))
    with at():
        catalogs.change_catalog(target.catalog, **changed)
    yield from compared("settings", {name: before.get(name) for name in after}, after)


def read_attributes(catalog: Catalog) -> dict[str, str]:
    """The types of all attributes."""
    return dict(sorted(catalog.attributes.items()))


def bring_attributes(target: Target, given: Mapping[str, str]) -> Iterator[Change]:
    """Give attributes their types; products declare others, so that none is removed."""
    before = read_attributes(target.catalog)
    after = {name: kind for name, kind in given.items() if before.get(name) != kind}
    attributes.retype(target.catalog, after)
    yield from compared("attributes", {name: before.get(name) for name in after}, after)


def read_weights(catalog: Catalog) -> dict[str, float]:
    """The weight of each type of event."""
    return dict(catalog.event_weights)


def bring_weights(target: Target, given: Mapping[str, float]) -> Iterator[Change]:
    """Weigh types of event."""
    before = read_weights(target.catalog)
    after = dict(given) if target.prune else {**before, **given}
    if before != after:
        with at():
            catalogs.change_catalog(target.catalog, event_weights=after)
        yield from compared("event weights", before, after)


def read_synonyms(catalog: Catalog) -> list[dict[str, list[str]]]:
    """All synonyms, in the order in which they were written."""
    return [
        {"words": row.words, **({"meaning": row.meaning} if row.meaning else {})}
        for row in Synonyms.objects.filter(catalog=catalog).order_by("pk")
    ]


def bring_synonyms(target: Target, given: list[SynonymsIn]) -> Iterator[Change]:
    """Add synonyms that are not there; they are known by their words and meaning, in any order."""
    there = {
        _alike(row.words, row.meaning): row
        for row in Synonyms.objects.filter(catalog=target.catalog)
    }
    wanted = set()
    for place, one in enumerate(given):
        row = Synonyms(catalog=target.catalog, words=one.words, meaning=one.meaning or [])
        with at(str(place)):
            row.full_clean()
        key = _alike(row.words, row.meaning)
        if key not in there and key not in wanted:
            row.save()
            yield Change(ADD, f"synonyms {row}")
        wanted.add(key)
    for key, row in there.items() if target.prune else ():
        if key not in wanted:
            row.delete()
            yield Change(REMOVE, f"synonyms {row}")


def _alike(words: list[str], meaning: list[str]) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(words), frozenset(meaning)


_FEED = tuple(FeedIn.model_fields)
_SCHEDULE = ("every_hours", "daily_at", "is_enabled")


def read_feed(catalog: Catalog) -> dict[str, Any] | None:
    """The feed; user and password in its address are not told."""
    feed = Feed.objects.filter(catalog=catalog).first()
    return None if feed is None else _told(feed)


def _told(feed: Feed) -> dict[str, Any]:
    told = {name: getattr(feed, name) for name in _FEED} | {"url": feed.shown_url}
    told["daily_at"] = feed.daily_at and f"{feed.daily_at:%H:%M}"
    return told


def bring_feed(target: Target, given: FeedIn | None) -> Iterator[Change]:
    """Make or change the feed; null removes it.

    Raises:
        ConfigError: a value cannot be.
    """
    feed = Feed.objects.filter(catalog=target.catalog).first()
    if given is None:
        if feed is not None and target.prune:
            feed.delete()
            yield Change(REMOVE, "feed")
        return
    before = {} if feed is None else _told(feed)
    feed = feed or Feed(catalog=target.catalog)
    at_time = given.daily_at and time.fromisoformat(given.daily_at)
    values = given.model_dump() | {"url": _address(feed, given.url), "daily_at": at_time}
    for name, value in values.items():
        setattr(feed, name, value)
    _check_feed(feed)
    after = _told(feed)
    if after == before:
        return
    feed.save()
    if any(before.get(name) != after[name] for name in _SCHEDULE):
        feeds.plan(feed)
    yield from compared("feed", before, after) if before else [Change(ADD, f"feed {after['url']}")]


def _address(feed: Feed, given: str) -> str:
    """The address with the user and password that are kept, where stars stand for them."""
    if user_of(given) != HIDDEN:
        return given
    if urlsplit(given).hostname != urlsplit(feed.url).hostname:
        raise ConfigError.at(("url",), "Another host than that of before: give user and password.")
    return given.replace(HIDDEN, user_of(feed.url), 1)


def _check_feed(feed: Feed) -> None:
    with at():
        feed.full_clean()
    try:
        product_arguments.parse(feed.options)
    except RefusedError as exc:
        raise ConfigError.at(("options",), str(exc)) from exc
