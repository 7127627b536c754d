"""A stack of its own for each test that starts and breaks one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.stack import StackConfig, read_config, stop


@pytest.fixture
def config(tmp_path: Path) -> Iterator[StackConfig]:
    config = StackConfig(data_dir=tmp_path / "data", database_url=None, broker_url=None)
    yield config
    stop(config)


@pytest.fixture(scope="session")
def shared() -> StackConfig:
    """The stack that all tests share."""
    return read_config(os.environ, Path())
