"""One running service for all tests here: they share it, each with a catalogue of its own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.service import Service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    # Not tmp_path: every pytest session closes its parent to other users.
    with TemporaryDirectory(prefix="kinship-e2e-") as directory:
        service = Service.under(Path(directory))
        service.manage("up", "--detach", "--port", str(service.port), "--workers", "2")
        yield service
        service.manage("down")
        assert service.processes() == []
