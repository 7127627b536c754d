"""Sections of a catalog's document that are things with names: placements and keys."""

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from django.utils import timezone

from recommender.api import placement_checks
from recommender.api.auth import SERVER, Caller
from recommender.api.config.change import (
    ADD,
    CHANGE,
    REMOVE,
    Change,
    ConfigError,
    Fault,
    Target,
    at,
    compared,
)
from recommender.api.config.document import KeyIn
from recommender.api.placement_requests import PlacementIn
from recommender.api.problems import Problem
from recommender.catalog import keys, placement_changes, placements
from recommender.catalog.keys import KeyLimits
from recommender.catalog.placements import TooManyPlacementsError
from recommender.models import ApiKey, Catalog, Placement


def read_placements(catalog: Catalog) -> dict[str, Any]:
    """What serves of each placement; one that was never published is left out."""
    found = placements.with_live(Placement.objects.filter(catalog=catalog).order_by("name"))
    return {one.name: one.live_document for one in found if one.live_document is not None}


def bring_placements(target: Target, given: Mapping[str, PlacementIn]) -> Iterator[Change]:
    """Publish what is not what serves.

    Raises:
        ConfigError: a placement cannot serve.
    """
    live = read_placements(target.catalog)
    for name, ask in given.items():
        document, before = ask.document(), live.get(name)
        if before == document:
            continue
        _check(target.catalog, name, ask)
        try:
            placement, _ = placements.put(target.catalog, name, document)
        except TooManyPlacementsError as exc:
            text = f"A catalog has at most {placements.MOST_PLACEMENTS} placements."
            raise ConfigError.at((name,), text) from exc
        placements.publish(placement, target.by)
        words = placement_changes.changes(before or placement_changes.NOTHING, document)
        yield Change(CHANGE if before else ADD, f"placement {name}", tuple(words))
    if target.prune:
        for old in Placement.objects.filter(catalog=target.catalog).exclude(name__in=given):
            old.delete()
            yield Change(REMOVE, f"placement {old.name}")


def _check(catalog: Catalog, name: str, ask: PlacementIn) -> None:
    try:
        placement_checks.check(Caller(catalog, SERVER), ask)
    except Problem as exc:
        told = exc.errors or [{"where": "", "message": exc.detail}]
        faults = [
            Fault((name, *one["where"].removeprefix("body.").split(".")), one["message"])
            for one in told
        ]
        raise ConfigError(faults) from exc


_LIMITS = tuple(name for name in KeyIn.model_fields if name != "scope")


def read_keys(catalog: Catalog) -> dict[str, Any]:
    """The keys that work, by name."""
    now = timezone.now()
    return {
        name: {"scope": key.scope, **{k: v for k, v in _told(key).items() if v not in (None, [])}}
        for name, key in _by_name(_rows(catalog)).items()
        if key.expires_at is None or key.expires_at > now
    }


def _rows(catalog: Catalog) -> list[ApiKey]:
    return list(ApiKey.objects.filter(catalog=catalog, revoked_at=None).order_by("-pk"))


def _by_name(rows: Iterable[ApiKey]) -> dict[str, ApiKey]:
    """Keys by label, the newest of each; by their first letters where they have none.

    Older ones of a label end when their overlap does; one that does not go by its letters, too.
    """
    found: dict[str, ApiKey] = {}
    for key in rows:
        if not key.label or (key.label in found and key.expires_at is None):
            found[key.prefix] = key
        else:
            found.setdefault(key.label, key)
    return found


def _told(key: ApiKey) -> dict[str, Any]:
    told = {name: value for name, value in keys.limits_of(key).items() if name in _LIMITS}
    told["expires_at"] = key.expires_at and key.expires_at.astimezone(UTC).isoformat()
    return told


def bring_keys(target: Target, given: Mapping[str, KeyIn]) -> Iterator[Change]:
    """Make keys that are not there, and bound those that are; pruned ones are revoked.

    Raises:
        ConfigError: a limit cannot be, or a key is of another scope.
    """
    rows = _rows(target.catalog)
    there = _by_name(rows)
    for name, ask in given.items():
        limits = ask.limits()
        if name not in there:
            yield _made(target.catalog, name, ask, limits)
            continue
        key = there[name]
        if key.scope != ask.scope:
            text = f"The key is of scope {key.scope}, which cannot change; name another."
            raise ConfigError.at((name, "scope"), text)
        before = _told(key)
        with at(name):
            key = _with(key, limits)
        if before != (after := _told(key)):
            keys.change(key, **limits)
            yield from compared(f"key {name}", before, after)
    if target.prune:
        kept = {there[name].pk for name in given if name in there}
        yield from _pruned([key for key in rows if key.pk not in kept], given)


def _with(key: ApiKey, limits: KeyLimits) -> ApiKey:
    """The key with other limits, as it would be stored."""
    for name, value in limits.items():
        setattr(key, name, value)
    key.clean_fields(exclude=("digest",))
    key.clean()
    return key


def _made(catalog: Catalog, name: str, ask: KeyIn, limits: KeyLimits) -> Change:
    if ask.expires_at is not None and ask.expires_at <= timezone.now():
        raise ConfigError.at((name, "expires_at"), "It has passed; leave the key out.")
    with at(name):
        _, plain = keys.new_key(catalog, ask.scope, name, **limits)
    words = tuple(placement_changes.members({}, ask.model_dump(exclude_unset=True)))
    return Change(ADD, f"key {name}", words, secret=(name, plain))


def _pruned(others: Iterable[ApiKey], labels: Container[str]) -> Iterator[Change]:
    for key in others:
        ends = key.expires_at
        # What was rotated goes on until its overlap ends.
        if ends is None or (key.label not in labels and ends > timezone.now()):
            keys.revoke(key)
            yield Change(REMOVE, f"key {key.label or key.prefix} ({key.prefix}…)")
