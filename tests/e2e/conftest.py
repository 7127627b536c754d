"""One running service for all tests here: they share it, each with a catalogue of its own."""

import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.service import Service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not tmp_path: as root, the servers' own user must be able to pass through.
    with TemporaryDirectory(prefix="kinship-e2e-") as directory:
        Path(directory).chmod(0o711)
        service = Service(Path(directory) / "data", port)
        service.manage("up", "--detach", "--port", str(port), "--workers", "2")
        yield service
        service.manage("down")
        assert service.processes() == []
