"""Catalogs: made and removed, their API keys, and the news that their products have changed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from psycopg import sql

from recommender import database
from recommender.catalog import attributes, keys, sync
from recommender.catalog.keys import KeyLimits
from recommender.models import Catalog, Space
from recommender.profiles.builder import note_new_settings
from recommender.retrieval import tallies
from recommender.spaces import lifecycle
from recommender.spaces.lifecycle import living


def create_key(catalog: Catalog, scope: str, label: str = "", **limits: Unpack[KeyLimits]) -> str:
    """A new key or token secret, in the clear: this is the only time anybody sees it."""
    return keys.new_key(catalog, scope, label, **limits)[1]


# Sent with `space_ids`, living spaces of the catalog; maybe inside a transaction.
products_changed = Signal()


def announce_changes(catalog: Catalog) -> None:
    """Say that products of a catalog were added or changed.

    Not to spaces of behaviour: they follow when the text space has embedded the change.
    """
    spaces = living().filter(catalog=catalog).exclude(kind=Space.Kind.BEHAVIOUR)
    products_changed.send(Catalog, space_ids=list(spaces.values_list("pk", flat=True)))


def announce_space(space: Space) -> None:
    """Say that a space has products to embed: it is new, or serves again."""
    products_changed.send(Catalog, space_ids=[space.pk])


# As a budget.
NO_LIMIT = Decimal("Infinity")

# Settings that are columns, as they are given.
_PLAIN = (
    "clock",
    "language",
    "half_life_days",
    "public_attributes",
    "browser_event_types",
    "event_weights",
    "exclude_bots",
    "in_shop",
    "log_share",
    "log_days",
    "impressions_by",
    "touch_hours",
)
_SETTINGS = (*_PLAIN, "monthly_budget", "rating_min", "rating_max")
# Of these, profiles, popularity and what searches lead to are made.
_TASTE = ("clock", "half_life_days", "rating_scale", "event_weights")

# Emptied in SQL, in this order: Django would first read every row into memory.
_LARGE_TABLES = (
    "recommender_searchdocument",
    "recommender_searchword",
    "recommender_searchoutcome",
    "recommender_recommendation",
    "recommender_effectfigure",
    "recommender_lateday",
    "recommender_event",
    "recommender_eventkey",
    "recommender_productneighbor",
    "recommender_productpopularity",
    "recommender_categorydecision",
    "recommender_mergedevent",
    "recommender_productmerge",
    "recommender_product",
    "recommender_user",
)


class CatalogSettings(TypedDict, total=False):
    """What of a catalog can be set; what is None stays as it is."""

    clock: str | None  # of Catalog.Clock
    language: str | None  # as PostgreSQL calls it; "" has it recognised
    half_life_days: float | None  # after so many days an event counts half
    monthly_budget: Decimal | None  # in US dollars; NO_LIMIT takes it away
    rating_scale: tuple[float, float] | None  # the worst and the best rating
    attribute_types: Mapping[str, str] | None  # by name, whatever they were
    public_attributes: list[str] | None  # those that browser keys may read and filter by
    browser_event_types: list[str] | None  # those that a browser key may send without a user token
    event_weights: Mapping[str, float] | None  # by type, all of them
    exclude_bots: bool | None
    in_shop: bool | None
    log_share: float | None
    log_days: int | None
    impressions_by: str | None  # of Catalog.Impressions
    touch_hours: int | None  # one of TOUCH_HOURS


def create_catalog(
    name: str,
    *,
    model: str | None = None,
    dimension: int | None = None,
    **given: Unpack[CatalogSettings],
) -> Catalog:
    """A new catalog with its text space, ready for products.

    Args:
        model: a key of the embedding models; settings.DEFAULT_MODEL by default.
        dimension: of the vectors; the model's own by default.
        given: settings; the defaults are those of the model Catalog.

    Raises:
        ValidationError: the name is taken or not a name.
        Misconfigured: there is no such model, or it does not give that dimension.
    """
    key = model or settings.DEFAULT_MODEL
    catalog = Catalog(name=name)
    _set(catalog, given)
    with transaction.atomic():
        catalog.save()
        attributes.retype(catalog, given.get("attribute_types") or {})
        lifecycle.create_space(catalog, model=key, dimension=dimension)
    return catalog


def change_catalog(catalog: Catalog, **given: Unpack[CatalogSettings]) -> None:
    """Change what is given; profiles, popularity and what searches lead to follow.

    Raises:
        ValidationError: a value cannot be.
    """
    _set(catalog, given)
    with transaction.atomic():
        database.lift_limit()
        catalog.save(update_fields=_SETTINGS)
        attributes.retype(catalog, given.get("attribute_types") or {})
        if any(given.get(name) is not None for name in _TASTE):
            tallies.refresh(catalog)
            note_new_settings(catalog)
    if given.get("monthly_budget") is not None:
        # What was paused for want of money goes on.
        announce_changes(catalog)


def delete_catalog(catalog: Catalog) -> None:
    """Remove a catalog and everything in it, for good."""
    with transaction.atomic():
        database.lift_limit()
        for table in _LARGE_TABLES:
            query = sql.SQL("DELETE FROM {} WHERE catalog_id = %s").format(sql.Identifier(table))
            database.execute(query, (catalog.pk,))
        sync.forget(catalog)
        # Late: from here on whoever writes vectors, of any catalog, waits.
        for space in Space.objects.filter(catalog=catalog):
            lifecycle.delete_space(space)
        catalog.delete()


def find_catalog(name: str) -> Catalog:
    """The catalog of this name.

    Raises:
        ValidationError: there is none; the message lists those there are.
    """
    catalog = Catalog.objects.filter(name=name).first()
    if catalog is None:
        names = ", ".join(Catalog.objects.values_list("name", flat=True)) or "none yet"
        raise ValidationError(
            f"There is no catalog {name!r} (there are: {names}). "
            f"Make it: ./kinship create_catalog {name}"
        )
    return catalog


def _set(catalog: Catalog, given: CatalogSettings) -> None:
    """Set and check what is given."""
    scale, budget = given.get("rating_scale"), given.get("monthly_budget")
    if scale is not None:
        catalog.rating_min, catalog.rating_max = scale
    if budget is not None:
        catalog.monthly_budget = None if budget == NO_LIMIT else budget
    for name, value in given.items():
        if name in _PLAIN and value is not None:
            setattr(catalog, name, value)
    if catalog._state.adding and catalog.language:
        catalog.search_language = catalog.language
    catalog.full_clean()
