"""One running service for all tests here: they share it, each with a catalog of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e import upstreams
from tests.e2e.service import Service


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    # Not tmp_path: every pytest session closes its parent to other users.
    with ExitStack() as stack:
        directory = stack.enter_context(TemporaryDirectory(prefix="kinship-e2e-"))
        variables = stack.enter_context(upstreams.serving())
        variables |= {"KINSHIP_WAL_ARCHIVE": f"{directory}/archive"}
        service = Service.under(Path(directory), variables)
        service.manage("up", "--detach", "--port", str(service.port), "--workers", "2")
        yield service
        service.manage("down")
        assert service.processes() == []
