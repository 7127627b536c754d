"""Keys of catalogs, and the secrets that user tokens are signed with: made, found, ended."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from recommender.models import ApiKey, Catalog


class KeyLimits(TypedDict, total=False):
    """Who may use a key, how often and until when, as the columns of ApiKey say."""

    origins: Sequence[str]
    placements: Sequence[str]
    fields: Sequence[str]
    requests_per_minute: int | None
    address_per_minute: int | None
    requests_per_day: int | None
    expires_at: datetime | None


def limits_of(key: ApiKey) -> KeyLimits:
    """Those of a key, stored or not."""
    return KeyLimits(
        origins=key.origins,
        placements=key.placements,
        fields=key.fields,
        requests_per_minute=key.requests_per_minute,
        address_per_minute=key.address_per_minute,
        requests_per_day=key.requests_per_day,
        expires_at=key.expires_at,
    )


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


class AmbiguousKeyError(LookupError):
    """Several keys begin so."""


def only(catalog: Catalog, prefix: str) -> ApiKey:
    """The key of a catalog that begins so and is not revoked.

    Raises:
        AmbiguousKeyError: there are several.
        LookupError: there is none.
    """
    keys = list(ApiKey.objects.filter(catalog=catalog, prefix__startswith=prefix, revoked_at=None))
    if len(keys) != 1:
        found = "no key" if not keys else f"{len(keys)} keys"
        raise (AmbiguousKeyError if keys else LookupError)(
            f"There is {found} of {catalog} that begins with {prefix!r} and is not revoked; the "
            "admin lists them under API keys."
        )
    return keys[0]


def change(key: ApiKey, **limits: Unpack[KeyLimits]) -> None:
    """Give a key other limits; web processes know of them at once.

    Raises:
        ValidationError: a limit is not right.
    """
    for name, value in limits.items():
        setattr(key, name, value)
    key.clean_fields(exclude=("digest",))
    key.clean()
    key.save(update_fields=list(limits))


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
    """End a key; web processes forget it at once, or else within half a second."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])


def key_digest(plain: str) -> bytes:
    """SHA-256: a key has 192 random bits, so nothing slower adds safety."""
    return hashlib.sha256(plain.encode()).digest()
