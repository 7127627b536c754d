"""One running service for what shops install: its sample store, and a page of another origin."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kinship_client import Kinship
from tests.e2e.service import Service

_LOAD = "from recommender.catalog import sample; sample.load()"


@dataclass(frozen=True, slots=True)
class Running:
    """A service, the keys of its sample store, and a port whose origin may call it."""

    service: Service
    server_key: str
    browser_key: str
    page_port: int

    @property
    def url(self) -> str:
        return self.service.url

    @property
    def page_origin(self) -> str:
        return f"http://localhost:{self.page_port}"


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        page_port = probe.getsockname()[1]
    with TemporaryDirectory(prefix="kinship-clients-") as directory:
        allowed = {"KINSHIP_CORS_ORIGINS": f"http://localhost:{page_port}"}
        service = Service.under(Path(directory), allowed)
        try:
            service.manage("up", "--detach", "--port", str(service.port), "--workers", "1")
            service.manage("shell", "-v", "0", "-c", _LOAD)
            service.wait_until_embedded("demo")
            keys = [
                service.manage("create_api_key", "demo", "--scope", scope).strip()
                for scope in ("server", "browser")
            ]
            yield Running(service, *keys, page_port)
        finally:
            service.manage("down")


@pytest.fixture
def kinship(running: Running) -> Iterator[Kinship]:
    """The client of the sample store."""
    with Kinship(running.url, running.server_key, timeout=30) as client:
        yield client
