"""API keys: made, shown once, kept as a hash, recognised."""

import hashlib
import secrets

from django.utils import timezone

from recommender.models import ApiKey, Catalog


def create_key(catalog: Catalog, scope: str, label: str = "") -> str:
    """A new key, in the clear: this is the only time anybody sees it."""
    plain = f"kin_{scope[:3]}_{secrets.token_urlsafe(24)}"
    ApiKey.objects.create(
        catalog=catalog, scope=scope, label=label, prefix=plain[:12], digest=digest(plain)
    )
    return plain


def find_key(plain: str) -> ApiKey | None:
    """The key's row with its catalogue; None where it is unknown or revoked."""
    return (
        ApiKey.objects.select_related("catalog")
        .filter(digest=digest(plain), revoked_at=None)
        .first()
    )


def revoke(key: ApiKey) -> None:
    """End a key; web processes forget it within seconds."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])


def digest(plain: str) -> bytes:
    """SHA-256: a key has 192 random bits, so nothing slower adds safety."""
    return hashlib.sha256(plain.encode()).digest()
