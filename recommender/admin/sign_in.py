"""Signing in to the admin: how many tries an account and an address have, and how each ended.

A try is counted before its password is looked at, in PostgreSQL: tries that come at once, to
several processes, are no more than those that come one by one.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from recommender import database
from recommender.client_address import client_address

log = structlog.get_logger()

WINDOW = timedelta(minutes=15)
ACCOUNT_TRIES = 10
# People of one office may share it.
ADDRESS_TRIES = 50
# From where an account was signed in to, others' tries lock neither it nor the address for it.
_KNOWN = timedelta(days=30)

_COUNT = """
    INSERT INTO recommender_signintries AS kept (key, tries, until) VALUES (%s, 1, now() + %s)
    ON CONFLICT (key) DO UPDATE SET
        tries = CASE WHEN kept.until < now() THEN 1 ELSE least(kept.tries, 1000000) + 1 END,
        until = CASE WHEN kept.until < now() THEN excluded.until ELSE kept.until END
    RETURNING tries, until
"""
_KNOW = """
    INSERT INTO recommender_signintries (key, tries, until) VALUES (%s, 0, now() + %s)
    ON CONFLICT (key) DO UPDATE SET until = excluded.until
"""
_IS_KNOWN = "SELECT 1 FROM recommender_signintries WHERE key = %s AND until > now()"
_FORGIVE = "UPDATE recommender_signintries SET tries = tries - 1 WHERE key = %s AND tries > 0"
_FORGET = "DELETE FROM recommender_signintries WHERE key = %s OR until < now()"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try to sign in to an account from an address."""

    account: str
    address: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Attempt":
        """What a sent form tries."""
        # As the form will read it: other spellings of one name are one account.
        account = get_user_model().normalize_username(request.POST.get("username", "").strip())
        return cls(account, client_address(request))

    def count(self) -> datetime | None:
        """Count this try; until when no more are taken, where there were too many before it."""
        is_known = self._is_known()
        # Both, so that a locked account does not hide who tries others.
        account = self._count(self._key(is_known), ACCOUNT_TRIES)
        address = self._count(self._place(), ADDRESS_TRIES)
        spent = (account,) if is_known else (account, address)
        return max((until for until in spent if until is not None), default=None)

    def forgive(self) -> None:
        """The password was right: forget the account's tries, and know the address from now on."""
        database.execute(_FORGET, (self._key(self._is_known()),))
        database.execute(_FORGIVE, (self._place(),))
        database.execute(_KNOW, (self._known(), _KNOWN))

    def _count(self, key: str, most: int) -> datetime | None:
        ((tries, until),) = database.fetch(_COUNT, (key, WINDOW))
        return until if tries > most else None

    def _is_known(self) -> bool:
        return bool(database.fetch(_IS_KNOWN, (self._known(),)))

    def _key(self, is_known: bool) -> str:
        if is_known:
            return _digest("from", self.account, self.address)
        return _digest("account", self.account)

    def _place(self) -> str:
        return _digest("address", self.address)

    def _known(self) -> str:
        return _digest("known", self.account, self.address)


@never_cache
@sensitive_post_parameters()
def login(request: HttpRequest) -> HttpResponse:
    """The admin's page to sign in; 429 with when to come again where there were too many tries."""
    if request.method != "POST":
        return admin.site.login(request)
    attempt = Attempt.of(request)
    if (until := attempt.count()) is not None:
        log.warning("sign-in refused", **_named(attempt), until=until.isoformat())
        return _come_again(request, until)
    response = admin.site.login(request)
    if response.status_code == 302:
        attempt.forgive()
        log.info("signed in", **_named(attempt))
    else:
        log.warning("sign-in failed", **_named(attempt))
    return response


def _come_again(request: HttpRequest, until: datetime) -> HttpResponse:
    seconds = max(1, math.ceil((until - timezone.now()).total_seconds()))
    told = {"until": until, "minutes": math.ceil(seconds / 60)}
    page = render(request, "429.html", told, status=429)
    page["Retry-After"] = str(seconds)
    return page


def _named(attempt: Attempt) -> dict[str, str]:
    """For a line of the log, which a name must not end."""
    account = attempt.account[:150]
    return {
        "account": account if account.isprintable() else ascii(account),
        "address": ascii(attempt.address[:100])[1:-1],
    }


def _digest(*words: str) -> str:
    """A key of bounded length; people type passwords in place of names."""
    return hashlib.sha256("\0".join(words).encode(errors="replace")).hexdigest()
