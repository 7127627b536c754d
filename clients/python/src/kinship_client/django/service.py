"""The clients of the project: one for pages, which waits little, and one for what must arrive."""

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from django.core.signals import setting_changed
from django.dispatch import receiver

from kinship_client import NEVER, EventQueue, Kinship, KinshipError
from kinship_client.call import Call
from kinship_client.django.conf import configuration

log = logging.getLogger("kinship_client.django")

T = TypeVar("T")

# After a list that did not come, pages do without for so long: a service that is away costs one
# page its timeout, and not each list of every page.
_PAUSE = 5.0  # seconds
_SENDING = 2.0  # seconds that a request waits at least for what it sends


class Pages:
    """Lists for pages: within the timeout, or none."""

    def __init__(self, client: Kinship, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._asks_again = 0.0

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def ask(self, call: Call[T]) -> T | None:
        """The answer; None where the service is away or refuses, which the log says."""
        if self._clock() < self._asks_again:
            return None
        try:
            return self._client.send(call)
        except KinshipError as exc:
            if exc.is_passing:
                self._asks_again = self._clock() + _PAUSE
            log.warning("no list from Kinship: %s", exc)
            return None


@lru_cache(maxsize=1)
def pages() -> Pages:
    """What pages ask."""
    found = configuration()
    return Pages(Kinship(found.url, found.key, timeout=found.timeout, retries=NEVER))


@lru_cache(maxsize=1)
def at_once() -> Kinship:
    """The client of a request that also sends something: it waits a little, and tries once."""
    found = configuration()
    return Kinship(found.url, found.key, timeout=max(_SENDING, found.timeout), retries=NEVER)


@lru_cache(maxsize=1)
def background() -> Kinship:
    """The client of commands, of Celery's tasks and of the queue of events."""
    found = configuration()
    return Kinship(found.url, found.key, timeout=30.0)


@lru_cache(maxsize=1)
def events() -> EventQueue:
    """The queue by which events are sent."""
    return EventQueue(background())


@receiver(setting_changed)
def forget(*, setting: str, **_: Any) -> None:
    """Read the settings anew where a test changes them."""
    if setting != "KINSHIP":
        return
    for made in (events, pages, at_once, background):
        if made.cache_info().currsize:
            made().close()
        made.cache_clear()
    configuration.cache_clear()
