"""A steady load of writes and reads that remembers each write that was acknowledged.

What is refused, or not answered, is sent again with the same ids until it is acknowledged, as a
shop does: a write that got through and was not answered must not count twice.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import httpx

_WRITERS = 2
# In seconds, between two requests of one sender.
_PAUSE, _PAUSE_AFTER_FAILURE = 0.05, 0.1
_PATIENCE = 5.0
_A_BATCH = 5
SEEDS = 20
USERS = 50
# What a client may be answered while a part is away. All else than these and success is a fault.
_REFUSALS = {429, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Write:
    """A request that stores products, by id their titles, or events, by their number."""

    method: str
    path: str
    body: Any
    products: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that was answered or refused; times are of the monotonic clock."""

    began: float
    ended: float
    is_write: bool
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What became of acknowledged products and events."""

    lost: int = 0
    doubled: int = 0


@dataclass(slots=True)
class Ledger:
    """All that a catalog acknowledged. Safe to share between threads.

    Attributes:
        products: by id, title and when it was acknowledged.
        events: the numbers of events, which are their quantities too.
        errors: answers that nobody may get, such as a 500.
        faults: how many there were.
        found: what was lost and doubled by all of them.
    """

    name: str
    products: dict[str, tuple[str, float]] = field(default_factory=dict)
    events: set[int] = field(default_factory=set)
    attempts: list[Attempt] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    faults: int = 0
    found: Found = Found()
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def acknowledged(self) -> int:
        """How many products and events were."""
        return len(self.products) + len(self.events)

    def acknowledge(self, write: Write) -> None:
        """Remember what must be there from now on."""
        now = time.monotonic()
        self.products |= {key: (title, now) for key, title in write.products.items()}
        self.events.update(write.events)

    def products_since(self, moment: float) -> list[str]:
        """The ids of the products that were acknowledged after it."""
        return [key for key, (_, at) in list(self.products.items()) if at > moment]

    def recovered(self, since: float, *, is_write: bool) -> float | None:
        """When the first request was answered after the last refusal; None where none was yet.

        Only requests count that began after `since`.
        """
        later = [
            attempt
            for attempt in list(self.attempts)
            if attempt.began > since and attempt.is_write == is_write
        ]
        refused = max((a.ended for a in later if not a.succeeded), default=since)
        good = [a.ended for a in later if a.succeeded and a.ended > refused]
        return min(good, default=None)


@contextmanager
def flowing(ledger: Ledger, url: str, key: str, seed: int) -> Iterator[None]:
    """Send requests until the block ends, then go on until each write is acknowledged."""
    stopping = threading.Event()
    reader, *writers = [
        _Sender(ledger, url, key, Random(f"{seed}-{number}"), stopping)
        for number in range(1 + _WRITERS)
    ]
    works = [reader.read, *(writer.write for writer in writers)]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def seeds(name: str) -> list[dict[str, str]]:
    """The products that lists are asked of, and that events are of."""
    return [{"id": f"seed-{n}", "title": f"Seed {n} of {name}"} for n in range(SEEDS)]


class _Sender:
    def __init__(
        self, ledger: Ledger, url: str, key: str, random: Random, stopping: threading.Event
    ) -> None:
        self._ledger, self._random, self._stopping = ledger, random, stopping
        self._url, self._key = url, key

    def write(self) -> None:
        with self._client() as client:
            while not self._stopping.is_set():
                write = self._next()
                while not self._sent(client, write):
                    time.sleep(_PAUSE_AFTER_FAILURE)
                time.sleep(_PAUSE)

    def read(self) -> None:
        with self._client() as client:
            while not self._stopping.is_set():
                self._request(client, "GET", self._list(), None, is_write=False)
                time.sleep(_PAUSE)

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._key}"}
        return httpx.Client(base_url=self._url, headers=headers, timeout=_PATIENCE)

    def _sent(self, client: httpx.Client, write: Write) -> bool:
        answer = self._request(client, write.method, write.path, write.body, is_write=True)
        if answer is None:
            return False
        if answer.json().get("rejected"):
            self._ledger.errors.append(f"{write.method} {write.path}: {answer.text[:300]}")
        else:
            self._ledger.acknowledge(write)
        return True

    def _request(
        self, client: httpx.Client, method: str, path: str, body: Any, *, is_write: bool
    ) -> httpx.Response | None:
        """The answer; None where it was refused or did not come."""
        began = time.monotonic()
        answer: httpx.Response | None = None
        with suppress(httpx.TransportError):  # as refused: it may have got through
            answer = client.request(method, path, json=body)
        succeeded = answer is not None and answer.is_success
        self._ledger.attempts.append(Attempt(began, time.monotonic(), is_write, succeeded))
        if answer is not None and not succeeded and answer.status_code not in _REFUSALS:
            self._ledger.errors.append(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer if succeeded else None

    def _next(self) -> Write:
        makers = (self._product, self._products, self._event, self._events)
        return self._random.choice(makers)()

    def _product(self) -> Write:
        row = self._row()
        path = f"/v1/products/{row['id']}"
        return Write("PUT", path, {"title": row["title"]}, {row["id"]: row["title"]})

    def _products(self) -> Write:
        rows = [self._row() for _ in range(_A_BATCH)]
        titles = {row["id"]: row["title"] for row in rows}
        return Write("POST", "/v1/products/bulk", rows, titles)

    def _event(self) -> Write:
        number = next(self._ledger.numbers)
        return Write("POST", "/v1/events", self._purchase(number), events=(number,))

    def _events(self) -> Write:
        numbers = [next(self._ledger.numbers) for _ in range(_A_BATCH)]
        rows = [self._purchase(number) for number in numbers]
        return Write("POST", "/v1/events", rows, events=numbers)

    def _row(self) -> dict[str, str]:
        number = next(self._ledger.numbers)
        return {"id": f"p{number}", "title": f"Product {number} of {self._ledger.name}"}

    def _purchase(self, number: int) -> dict[str, Any]:
        return {
            "id": f"e{number}",
            "type": "purchase",
            "user": f"user-{self._random.randrange(USERS)}",
            "product": f"seed-{self._random.randrange(SEEDS)}",
            "quantity": number,
        }

    def _list(self) -> str:
        if self._random.random() < 0.5:
            return f"/v1/products/seed-{self._random.randrange(SEEDS)}/similar"
        return f"/v1/users/user-{self._random.randrange(USERS)}/recommendations"
