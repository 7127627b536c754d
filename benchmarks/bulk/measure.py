"""What is measured: time, processor time and memory of one request of many rows."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread

import httpx
import orjson
import psutil
from django.conf import settings

from benchmarks.processes import family
from benchmarks.server import Web, stack, web
from recommender.catalog import catalogs
from recommender.models import ApiKey

_KIND = "application/x-ndjson"
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request took."""

    name: str
    rows: int
    seconds: float
    processor_seconds: float
    before_mb: float
    peak_mb: float

    def row(self) -> str:
        """As a row of a table."""
        return (
            f"| {self.name} | {self.rows:,} | {self.rows / self.seconds:,.0f} | "
            f"{self.rows / self.processor_seconds:,.0f} | {self.before_mb:,.0f} | "
            f"{self.peak_mb:,.0f} |"
        )


def measure(rows: int) -> str:
    """The figures of products, of the same again, and of events, as a table."""
    with stack(settings.STACK) as service:
        catalog = catalogs.create_catalog("bulk")
        key = catalogs.create_key(catalog, ApiKey.Scope.SERVER)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": _KIND, "Accept": _KIND}
        with web(service) as served, httpx.Client(base_url=served.url, headers=headers) as client:
            # A process imports and connects with its first requests.
            _send(client, served, "warm", "/v1/products/bulk", _products(1000), 1000)
            sent = [
                _send(client, served, "products", "/v1/products/bulk", _products(rows), rows),
                _send(client, served, "the same again", "/v1/products/bulk", _products(rows), rows),
                _send(client, served, "events", "/v1/events", _events(rows), rows),
            ]
    columns = ("rows", "number", "rows/s", "rows/s of processor time", "MB before", "MB at most")
    head = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    return "\n".join([*head, *(one.row() for one in sent)])


def _send(
    client: httpx.Client, served: Web, name: str, path: str, body: Iterator[bytes], rows: int
) -> Sent:
    before, used, began = _memory(served), served.processor_seconds(), time.monotonic()
    with _peak(served) as peak:
        answer = client.post(path, content=body, timeout=3600)
    seconds = time.monotonic() - began
    answer.raise_for_status()
    closing = orjson.loads(answer.content.rsplit(b"\n", 2)[-2])
    if closing["rows"] != rows or closing["rejected"]:
        raise RuntimeError(f"{name}: {closing}")
    return Sent(name, rows, seconds, served.processor_seconds() - used, before, max(peak))


@contextmanager
def _peak(served: Web) -> Iterator[list[float]]:
    sizes, done = [_memory(served)], Event()

    def watch() -> None:
        while not done.wait(_POLL_SECONDS):
            sizes.append(_memory(served))

    thread = Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        done.set()
        thread.join()


def _memory(served: Web) -> float:
    """Of the web's processes, in MB: what several share is split between them."""
    return sum(map(_size, family(served.processes[0]))) / 1024**2


def _size(process: psutil.Process) -> int:
    sizes = process.memory_full_info()
    return int(getattr(sizes, "pss", sizes.rss))


def _products(rows: int) -> Iterator[bytes]:
    """Products of some 400 bytes, as of a shop."""
    for start in range(0, rows, 100):
        yield b"".join(map(_product, range(start, min(rows, start + 100))))


def _product(number: int) -> bytes:
    product = {
        "id": f"p{number}",
        "title": f"Product number {number} of a catalog",
        "description": "A text of some words that tells what this product is for. " * 3,
        "category": f"Home/Kitchen/{number % 50}",
        "brand": f"Brand {number % 200}",
        "price": 5 + number % 90,
        "currency": "EUR",
        "image_urls": [f"https://shop.example.org/{number}.jpg"],
        "attributes": {"colour": "red", "size": number % 40, "tags": ["a", "b"]},
    }
    return orjson.dumps(product) + b"\n"


def _events(rows: int) -> Iterator[bytes]:
    at = datetime.now(UTC).isoformat()
    for start in range(0, rows, 100):
        yield b"".join(
            orjson.dumps(
                {
                    "id": f"e{number}",
                    "type": "view",
                    "user": f"u{number % 5000}",
                    "product": f"p{number % 1000}",
                    "at": at,
                }
            )
            + b"\n"
            for number in range(start, min(rows, start + 100))
        )
