"""A document read from what is there, and brought about: in one transaction, or only tried."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from pydantic import ValidationError as Invalid

from embeddings.errors import Misconfigured
from recommender import database
from recommender.api import problems
from recommender.api.config import named, schedules, sections
from recommender.api.config.change import ADD, Change, ConfigError, Fault, Target
from recommender.api.config.document import CatalogIn, ConfigIn
from recommender.catalog import catalogs
from recommender.models import Catalog


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of a catalog's document: as it is, and brought to what one says."""

    read: Callable[[Catalog], Any]
    bring: Callable[[Target, Any], Iterable[Change]]


# In the order in which they are brought about: filters of placements need attributes.
_SECTIONS: Mapping[str, _Section] = {
    "settings": _Section(sections.read_settings, sections.bring_settings),
    "attributes": _Section(sections.read_attributes, sections.bring_attributes),
    "event_weights": _Section(sections.read_weights, sections.bring_weights),
    "synonyms": _Section(sections.read_synonyms, sections.bring_synonyms),
    "placements": _Section(named.read_placements, named.bring_placements),
    "keys": _Section(named.read_keys, named.bring_keys),
    "feed": _Section(sections.read_feed, sections.bring_feed),
}
_NEW_SPACE = ("model", "dimension")


def read_catalog(catalog: Catalog) -> dict[str, Any]:
    """The document of a catalog."""
    told = {name: section.read(catalog) for name, section in _SECTIONS.items()}
    return {name: value for name, value in told.items() if value is not None}


def read(names: Iterable[str]) -> dict[str, Any]:
    """The document of these catalogs; of none, that of all and of periodic tasks.

    Raises:
        ValidationError: there is no such catalog.
    """
    found = list(map(catalogs.find_catalog, names))
    told = {one.name: read_catalog(one) for one in found or Catalog.objects.all()}
    return {"catalogs": told} | ({} if found else {"schedules": schedules.read_schedules()})


def checked(given: Any) -> ConfigIn:
    """A document that was read from a file.

    Raises:
        ConfigError: an unknown member, a wrong type.
    """
    try:
        return ConfigIn.model_validate(given)
    except Invalid as exc:
        faults = [
            Fault(_path(fault["loc"]), problems.describe(fault)["message"])
            for fault in exc.errors(include_url=False)
        ]
        raise ConfigError(faults) from exc


def _path(location: Iterable[str | int]) -> tuple[str | int, ...]:
    """Where a fault is, without the words for a key of an object and for a form of a value."""
    return tuple(
        part for part in location if not (isinstance(part, str) and part[:1] in ("<", "["))
    )


def apply(document: ConfigIn, *, prune: bool, by: str, dry_run: bool) -> list[Change]:
    """Bring about what a document says, all of it or nothing.

    Args:
        prune: remove what a section of it does not name.
        by: who publishes placements.
        dry_run: only try it, and undo all.

    Raises:
        ConfigError: it cannot be, and nothing is changed.
    """
    changes: list[Change] = []
    with _tried(dry_run=dry_run):
        for name, one in sorted((document.catalogs or {}).items()):
            with _below("catalogs", name):
                catalog, made = _catalog(name, one)
                changes += [*made, *_brought(Target(catalog, prune, by), one)]
        with _below("schedules"):
            changes += schedules.bring_schedules(document.schedules or {})
    return changes


def apply_to(
    catalog: Catalog, document: CatalogIn, *, prune: bool, by: str, dry_run: bool
) -> list[Change]:
    """The same of one catalog, which there is."""
    with _tried(dry_run=dry_run):
        # Who applies another beside this waits.
        locked = Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        return list(_brought(Target(locked, prune, by), document))


@contextmanager
def _tried(*, dry_run: bool) -> Iterator[None]:
    """A transaction; what was only tried is undone."""
    with transaction.atomic():
        database.lift_limit()
        yield
        if dry_run:
            transaction.set_rollback(True)


@contextmanager
def _below(*path: str) -> Iterator[None]:
    try:
        yield
    except ConfigError as exc:
        raise exc.below(*path) from exc


def _catalog(name: str, document: CatalogIn) -> tuple[Catalog, list[Change]]:
    """The catalog, locked; a new one where there is none."""
    found = Catalog.objects.select_for_update(no_key=True).filter(name=name).first()
    if found is not None:
        return found, []
    given = {}
    if document.settings is not None:
        given = document.settings.model_dump(include=set(_NEW_SPACE), exclude_none=True)
    try:
        made = catalogs.create_catalog(name, **given)
    except (ValidationError, Misconfigured) as exc:
        texts = exc.messages if isinstance(exc, ValidationError) else [str(exc)]
        raise ConfigError([Fault((), text) for text in texts]) from exc
    return made, [Change(ADD, "catalog", catalog=name)]


def _brought(target: Target, document: CatalogIn) -> Iterator[Change]:
    for name in _SECTIONS:
        if name in document.model_fields_set:
            with _below(name):
                for change in _SECTIONS[name].bring(target, getattr(document, name)):
                    yield change.of(target.catalog.name)
