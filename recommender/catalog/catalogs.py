"""Catalogs: made and removed, their API keys, and the news that their products have changed."""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict, Unpack

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.utils.crypto import salted_hmac
from psycopg import sql

from recommender import database
from recommender.catalog import attributes, sync
from recommender.models import ApiKey, Catalog, Space
from recommender.profiles.builder import note_new_settings
from recommender.retrieval import tallies
from recommender.spaces import lifecycle
from recommender.spaces.lifecycle import living


class KeyLimits(TypedDict, total=False):
    """Who may use a key, how often and until when, as the columns of ApiKey say."""

    origins: Sequence[str]
    requests_per_minute: int | None
    address_per_minute: int | None
    requests_per_day: int | None
    expires_at: datetime | None


def limits_of(key: ApiKey) -> KeyLimits:
    """Those of a key, stored or not."""
    return KeyLimits(
        origins=key.origins,
        requests_per_minute=key.requests_per_minute,
        address_per_minute=key.address_per_minute,
        requests_per_day=key.requests_per_day,
        expires_at=key.expires_at,
    )


def create_key(catalog: Catalog, scope: str, label: str = "", **limits: Unpack[KeyLimits]) -> str:
    """A new key or token secret, in the clear: this is the only time anybody sees it."""
    return new_key(catalog, scope, label, **limits)[1]


def new_key(
    catalog: Catalog, scope: str, label: str = "", **limits: Unpack[KeyLimits]
) -> tuple[ApiKey, str]:
    """The same with its row.

    Raises:
        ValidationError: a limit is not right.
    """
    if scope == ApiKey.Scope.TOKEN:
        digest = secrets.token_bytes(32)
        plain = token_secret(digest)
    else:
        plain = f"kin_{scope[:3]}_{secrets.token_urlsafe(24)}"
        digest = key_digest(plain)
    key = ApiKey(
        catalog=catalog, scope=scope, label=label, prefix=plain[:12], digest=digest, **limits
    )
    key.clean_fields(exclude=("digest",))
    key.clean()
    key.save()
    return key, plain


def token_secret(digest: bytes) -> str:
    """The token secret of this row of keys.

    To check a signature, it must be known: it is made from the row and settings.SECRET_KEY, so that
    who reads the database alone cannot sign.
    """
    made = salted_hmac("kinship.user-tokens", digest, algorithm="sha256").digest()
    return f"kin_tok_{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


def token_secrets(catalog: Catalog) -> tuple[str, ...]:
    """All secrets that user tokens of the catalog may be signed with, the newest first."""
    keys = _living(ApiKey.objects.filter(catalog=catalog, scope=ApiKey.Scope.TOKEN))
    digests = keys.order_by("-pk").values_list("digest", flat=True)
    return tuple(token_secret(bytes(digest)) for digest in digests)


def find_key(plain: str) -> ApiKey | None:
    """The key's row with its catalog; None where it is unknown, revoked or expired."""
    keys = ApiKey.objects.select_related("catalog").filter(digest=key_digest(plain))
    return _living(keys).first()


def _living(keys: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
    return keys.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


# A use is noted to so many minutes: to write each would cost more than to answer it.
_NOTED = timedelta(minutes=10)


def note_use(key: ApiKey) -> None:
    """Remember that a key is used, where that is not known of the last minutes."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - _NOTED:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def rotate(key: ApiKey, overlap: timedelta) -> tuple[ApiKey, str]:
    """A new key in an old one's place, and in the clear; the old one ends after the overlap."""
    with transaction.atomic():
        limits = limits_of(key) | KeyLimits(expires_at=None)
        made, plain = new_key(key.catalog, key.scope, key.label, **limits)
        ends = timezone.now() + overlap
        key.expires_at = ends if key.expires_at is None else min(ends, key.expires_at)
        key.save(update_fields=["expires_at"])
    return made, plain


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

_SETTINGS = (
    "clock",
    "language",
    "half_life_days",
    "monthly_budget",
    "rating_min",
    "rating_max",
    "public_attributes",
    "browser_event_types",
)
# Of these, profiles, popularity and what searches lead to are made.
_TASTE = ("clock", "half_life_days", "rating_scale")

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
    for name in ("clock", "language", "half_life_days", "public_attributes", "browser_event_types"):
        if given.get(name) is not None:
            setattr(catalog, name, given[name])
    if catalog._state.adding and catalog.language:
        catalog.search_language = catalog.language
    catalog.full_clean()
