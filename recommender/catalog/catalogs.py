"""Catalogs: made and removed, their API keys, and the news that their products have changed."""

import hashlib
import secrets
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from psycopg import sql

from recommender import database
from recommender.catalog import sync
from recommender.history import popularity
from recommender.models import ApiKey, Catalog, Space
from recommender.profiles.builder import note_new_settings
from recommender.spaces import lifecycle
from recommender.spaces.lifecycle import living


def create_key(catalog: Catalog, scope: str, label: str = "") -> str:
    """A new key, in the clear: this is the only time anybody sees it."""
    plain = f"kin_{scope[:3]}_{secrets.token_urlsafe(24)}"
    ApiKey.objects.create(
        catalog=catalog, scope=scope, label=label, prefix=plain[:12], digest=key_digest(plain)
    )
    return plain


def find_key(plain: str) -> ApiKey | None:
    """The key's row with its catalog; None where it is unknown or revoked."""
    return (
        ApiKey.objects.select_related("catalog")
        .filter(digest=key_digest(plain), revoked_at=None)
        .first()
    )


def revoke(key: ApiKey) -> None:
    """End a key; web processes forget it within a second."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])


def key_digest(plain: str) -> bytes:
    """SHA-256: a key has 192 random bits, so nothing slower adds safety."""
    return hashlib.sha256(plain.encode()).digest()


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

_SETTINGS = ("clock", "half_life_days", "monthly_budget", "rating_min", "rating_max")

# Emptied in SQL, in this order: Django would first read every row into memory.
_LARGE_TABLES = (
    "recommender_event",
    "recommender_eventkey",
    "recommender_productneighbor",
    "recommender_productpopularity",
    "recommender_product",
    "recommender_user",
)


def create_catalog(
    name: str,
    *,
    clock: str | None = None,
    model: str | None = None,
    dimension: int | None = None,
    half_life_days: float | None = None,
    monthly_budget: Decimal | None = None,
    rating_scale: tuple[float, float] | None = None,
) -> Catalog:
    """A new catalog with its text space, ready for products.

    Args:
        clock: of Catalog.Clock.
        model: a key of the embedding models; settings.DEFAULT_MODEL by default.
        dimension: of the vectors; the model's own by default.
        half_life_days: after so many days an event counts half in a profile.
        monthly_budget: what embedding may cost, in US dollars; NO_LIMIT by default.
        rating_scale: the worst and the best rating; 0 and 5 by default.

    Raises:
        ValidationError: the name is taken or not a name.
        Misconfigured: there is no such model, or it does not give that dimension.
    """
    key = model or settings.DEFAULT_MODEL
    catalog = Catalog(name=name)
    _set(catalog, clock, half_life_days, monthly_budget, rating_scale)
    with transaction.atomic():
        catalog.save()
        lifecycle.create_space(catalog, model=key, dimension=dimension)
    return catalog


def change_catalog(
    catalog: Catalog,
    *,
    clock: str | None = None,
    half_life_days: float | None = None,
    monthly_budget: Decimal | None = None,
    rating_scale: tuple[float, float] | None = None,
) -> None:
    """Change what is given; popularity and profiles follow.

    Args:
        monthly_budget: NO_LIMIT takes it away.
        rating_scale: the worst and the best rating.

    Raises:
        ValidationError: a value cannot be.
    """
    _set(catalog, clock, half_life_days, monthly_budget, rating_scale)
    with transaction.atomic():
        database.lift_limit()
        catalog.save(update_fields=_SETTINGS)
        if any(setting is not None for setting in (clock, half_life_days, rating_scale)):
            popularity.refresh(catalog)
            note_new_settings(catalog)
    if monthly_budget is not None:
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


def _set(
    catalog: Catalog,
    clock: str | None,
    half_life_days: float | None,
    monthly_budget: Decimal | None,
    rating_scale: tuple[float, float] | None,
) -> None:
    """Set and check what is given."""
    if clock is not None:
        catalog.clock = clock
    if half_life_days is not None:
        catalog.half_life_days = half_life_days
    if monthly_budget is not None:
        catalog.monthly_budget = None if monthly_budget == NO_LIMIT else monthly_budget
    if rating_scale is not None:
        catalog.rating_min, catalog.rating_max = rating_scale
    catalog.full_clean()
