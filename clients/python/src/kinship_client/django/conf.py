"""The project's settings, `KINSHIP = {…}`, read in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Configuration:
    """What `KINSHIP` says; each member is a key of it in capitals.

    Attributes:
        url: where the service answers; empty turns all of it off: nothing is sent, lists are empty.
        key: a server key of the catalog.
        timeout: seconds that a page waits for a list.
        lists: requests by name, for `{% recommend "name" %}`.
        celery: whether Celery sends products and merges; else they are sent at once, after commit.
        consent: dotted path of `consent(request) -> bool`; without one, all visitors get an id.
        user_id: dotted path of `user_id(user) -> str` for who is signed in; without one, the pk.
        cookie: name of the cookie that holds a visitor's id.
        cookie_days: how long it is kept.
    """

    url: str = ""
    key: str = ""
    timeout: float = 0.8
    lists: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    celery: bool = False
    consent: str = ""
    user_id: str = ""
    cookie: str = "kinship_visitor"
    cookie_days: int = 365

    def __post_init__(self) -> None:
        if self.url and not self.url.startswith(("http://", "https://")):
            raise ImproperlyConfigured(f"KINSHIP['URL'] is no address: {self.url!r}.")
        if self.url and not self.key:
            raise ImproperlyConfigured("KINSHIP['KEY'] is missing: a server key of the catalog.")

    def may_know(self, request: HttpRequest) -> bool:
        """Whether a visitor lets the shop know them again."""
        if not self.consent:
            return True
        return bool(cast("Callable[[HttpRequest], bool]", import_string(self.consent))(request))

    def id_of(self, user: Any) -> str:
        """The id by which the service knows a user who is signed in."""
        return str(import_string(self.user_id)(user) if self.user_id else user.pk)


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """What the project's settings say.

    Raises:
        ImproperlyConfigured: they are not right.
    """
    given = getattr(settings, "KINSHIP", {})
    known = {one.name.upper(): one.name for one in fields(Configuration)}
    unknown = given.keys() - known.keys()
    if unknown:
        told = f"{', '.join(sorted(unknown))}; there are {', '.join(known)}"
        raise ImproperlyConfigured(f"KINSHIP has unknown keys: {told}.")
    return Configuration(**{known[name]: value for name, value in given.items()})
