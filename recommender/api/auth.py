"""API keys on the way in: who asks, for which catalog."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock

from cachetools import TTLCache
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from recommender.api import limits, lines
from recommender.api.key_news import KeyNews
from recommender.api.limits import Limits
from recommender.api.problems import Problem
from recommender.catalog import keys
from recommender.models import ApiKey, Catalog

# A changed catalog is noticed within so long, whoever changed it; so is a revoked key by a process
# that hears no news of keys. To look a key up costs a millisecond: so, two in a thousand of a
# process's time for each key in use.
_REMEMBERED_SECONDS = 0.5
_MOST_REMEMBERED = 10_000

SERVER = ApiKey.Scope.SERVER
BROWSER = ApiKey.Scope.BROWSER
EMBED = ApiKey.Scope.EMBED
SEARCH = ApiKey.Scope.SEARCH
INSIGHT = ApiKey.Scope.INSIGHT
ADMIN = ApiKey.Scope.ADMIN
# Whoever opens a page can read these.
_PUBLIC = frozenset({BROWSER, SEARCH})


@dataclass(frozen=True, slots=True)
class Caller:
    """A recognised key."""

    catalog: Catalog
    scope: str
    key: int | None = None  # its row; None for what asks without one
    origins: Collection[str] = ()
    placements: Collection[str] = ()  # those that it may ask for, and no other list; () for any
    fields: Collection[str] = ()  # of products, that its lists may carry; () for any
    limits: Limits | None = None
    expires_at: datetime | None = None

    @property
    def is_public(self) -> bool:
        """Whether the key stands in a page, so that anybody may send it."""
        return self.scope in _PUBLIC

    @property
    def public_attributes(self) -> Collection[str] | None:
        """The attributes that the caller may read and filter by; None for all."""
        return self.catalog.public_attributes if self.is_public else None

    @property
    def attributes(self) -> Mapping[str, str]:
        """The same with their types, as far as they are declared."""
        public = self.public_attributes
        declared: Mapping[str, str] = self.catalog.attributes
        if public is None:
            return declared
        return {name: declared[name] for name in public if name in declared}


class ApiRequest(HttpRequest):
    """A request whose key was recognised."""

    auth: Caller


_remembered: TTLCache[str, Caller] = TTLCache(_MOST_REMEMBERED, _REMEMBERED_SECONDS)
_lock = Lock()


class _News:
    """How much was heard of keys: what was read before the latest is not remembered after it."""

    heard = 0


def forget_key(key: int | None) -> None:
    """Look a key up anew from now on, by its row; None for all keys."""
    with _lock:
        _News.heard += 1
        for token, known in list(_remembered.items()):
            if key is None or known.key == key:
                _remembered.pop(token, None)


news = KeyNews(forget_key)


class BearerKey(HttpBearer):
    """`Authorization: Bearer KEY` of one of these scopes."""

    def __init__(self, scopes: Collection[str]) -> None:
        super().__init__()
        self._scopes = frozenset(scopes)

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """The caller.

        Raises:
            Problem: 401 for an unknown, revoked or expired key, 403 for one of another scope or
                origin, 413 for a body that is larger than one of its scope may be, 429 where the
                key is used too often. The body is not read before.
        """
        caller = _recognise(token)
        if caller is None:
            raise _unknown_key()
        check_scope(caller, self._scopes)
        if caller.origins:
            _check_origin(request, caller.origins)
        if caller.is_public:
            _check_length(request)
        # A body that comes in pieces is one request.
        if caller.limits is not None and not lines.before(request).rows:
            limits.check(request, caller.limits)
        return caller


def check_scope(caller: Caller, scopes: Collection[str]) -> None:
    """See that a caller's key is of one of these scopes.

    Raises:
        Problem: 403 where it is of another.
    """
    if caller.scope not in scopes:
        needed = " or ".join(sorted(scopes))
        detail = f"This needs a key of scope {needed}; yours is of scope {caller.scope}."
        raise Problem(403, "wrong-scope", detail)


def check_placement(caller: Caller, name: str | None) -> None:
    """See that a caller may ask for what names this placement, or none.

    Raises:
        Problem: 403 where their key is bound to others.
    """
    if caller.placements and name not in caller.placements:
        known = ", ".join(sorted(caller.placements))
        asked = "no placement" if name is None else repr(name)
        detail = f"This key is for the placements {known}; the request names {asked}."
        raise Problem(403, "other-placement", detail)


def check_field(caller: Caller, name: str, where: str) -> None:
    """See that a caller may read this field of products, asked for there in a request.

    Raises:
        Problem: 403 where their key is bound to others.
    """
    if caller.fields and name not in caller.fields:
        message = f"This key reads {', '.join(sorted(caller.fields))}, not {name!r}."
        errors = [{"where": where, "message": message}]
        raise Problem(403, "other-field", message, errors=errors)


def _check_origin(request: HttpRequest, origins: Collection[str]) -> None:
    """See that a page of one of these origins asks; one of no origin is none of them."""
    origin = request.headers.get("Origin") or _origin_of(request.headers.get("Referer", ""))
    if origin not in origins:
        detail = f"This key is for pages of {', '.join(sorted(origins))}, not {origin or 'others'}."
        raise Problem(403, "wrong-origin", detail)


def _origin_of(address: str) -> str:
    parts = address.split("/", 3)
    return "/".join(parts[:3]) if len(parts) > 2 else ""


def _check_length(request: HttpRequest) -> None:
    length = lines.before(request).bytes + int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.BROWSER_BODY_BYTES:
        detail = (
            f"The body has {length:,} bytes, of {settings.BROWSER_BODY_BYTES:,} that a browser key "
            "may send; send it in parts, use a server key, or raise KINSHIP_BROWSER_BODY_KB."
        )
        raise Problem(413, "too-large", detail)


def _recognise(token: str) -> Caller | None:
    with _lock:
        remembered, heard = _remembered.get(token), _News.heard
    if remembered is None:
        key = keys.find_key(token)
        if key is None:
            return None
        keys.note_use(key)
        remembered = Caller(
            catalog=key.catalog,
            scope=key.scope,
            key=key.pk,
            origins=tuple(key.origins),
            placements=tuple(key.placements),
            fields=tuple(key.fields),
            limits=Limits.of(key),
            expires_at=key.expires_at,
        )
        with _lock:
            if heard == _News.heard:
                _remembered[token] = remembered
    if remembered.expires_at is not None and remembered.expires_at <= timezone.now():
        return None
    return replace(remembered, catalog=_own(remembered.catalog))


def known_catalog(header: str) -> int | None:
    """The catalog that an Authorization header's key is of, as far as it is remembered."""
    with _lock:
        remembered = _remembered.get(header.removeprefix("Bearer "))
    return None if remembered is None else remembered.catalog.pk


def deleted(caller: Caller) -> Problem | None:
    """The error to answer where the caller's catalog has been deleted since their key was
    recognised, by whichever process; this one does not know the key any more."""
    if Catalog.objects.filter(pk=caller.catalog.pk).exists():
        return None
    with _lock:
        for token, known in list(_remembered.items()):
            if known.catalog.pk == caller.catalog.pk:
                _remembered.pop(token, None)
    return _unknown_key()


def _unknown_key() -> Problem:
    return Problem(401, "unknown-key", "The API key is unknown, revoked or expired.")


def _own(catalog: Catalog) -> Catalog:
    """A copy for one request: what it changes, and may roll back, no other request sees."""
    # copy.copy() asks Django how to pickle it, which costs as much as parsing the request.
    own = Catalog.__new__(Catalog)
    own.__dict__.update(catalog.__dict__)
    own.attributes = dict(catalog.attributes)
    own.event_weights = dict(catalog.event_weights)
    return own


server_key = BearerKey([SERVER])
any_key = BearerKey([SERVER, BROWSER])
search_key = BearerKey([SERVER, BROWSER, SEARCH])
insight_key = BearerKey([SERVER, INSIGHT])
embed_key = BearerKey([SERVER, EMBED])
managing_key = BearerKey([SERVER, ADMIN])
admin_key = BearerKey([ADMIN])
