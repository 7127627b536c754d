"""A running service (`KINSHIP_URL`, `KINSHIP_KEY`), and a double that notes what it is sent."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings as project
from django.core.management import call_command
from pytest_django.fixtures import Settings

from kinship_client import Kinship
from kinship_client.django import service
from shop.models import Product

EMPTY = {"rec_id": "019bf0f4-6a5e-7a57-9c0a-1f9f6d6f5b11", "items": []}
WRITTEN = {"added": 1, "changed": 0, "unchanged": 0, "rejected": 0, "errors": []}


@pytest.fixture
def kinship(settings: Settings) -> Iterator[Kinship]:
    """The service that the shop sends to."""
    if not project.KINSHIP["URL"]:
        pytest.skip("set KINSHIP_URL and KINSHIP_KEY to those of a running service")
    use(settings, TIMEOUT=30)  # on a busy machine, too
    with Kinship(project.KINSHIP["URL"], project.KINSHIP["KEY"]) as client:
        yield client


@pytest.fixture
def products(transactional_db: None) -> list[Product]:
    """What the shop sells, known to the service if one is there."""
    call_command("loaddata", "products", verbosity=0)
    return list(Product.objects.all())


class Double:
    """A service that answers as it is told, and notes what it is sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Any] = {"/v1/products/bulk": WRITTEN}
        self.usual: Any = EMPTY
        self.status = 200

    def sent(self, path: str) -> list[Any]:
        """The bodies that came to an address."""
        return [body for _, to, body in self.requests if to == path]


def taken(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What the service answers to events that it takes."""
    results = [{"id": event["id"], "status": "accepted"} for event in events]
    return {"accepted": len(results), "duplicate": 0, "rejected": 0, "results": results}


@pytest.fixture
def double(settings: Settings) -> Iterator[Double]:
    """The service of the shop is this one."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            path = self.path.partition("?")[0]
            double.requests.append((self.command, path, body))
            usual = taken(body) if path == "/v1/events" else double.usual
            data = json.dumps(double.answers.get(path, usual)).encode()
            self.send_response(double.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - their names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    use(settings, URL=f"http://127.0.0.1:{server.server_port}")
    yield double
    service.forget(setting="KINSHIP")
    server.shutdown()
    server.server_close()


def use(settings: Settings, **changes: Any) -> None:
    """Change the shop's KINSHIP."""
    settings.KINSHIP = {**project.KINSHIP, "KEY": project.KINSHIP["KEY"] or "key", **changes}


def wait_until(done: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what happens in the background."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
