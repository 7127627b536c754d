"""A stack of its own for each test that starts and breaks one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from recommender.stack import StackConfig, ensure_started, read_config, stop


def processes_of(config: StackConfig) -> list[str]:
    """Every process that works in the data directory or was told of it."""
    return [
        f"{process.pid} {process.info['cmdline']}"
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.info["cmdline"] and str(config.data_dir) in str(process.info)
    ]


@pytest.fixture
def config() -> Iterator[StackConfig]:
    # Not tmp_path: every pytest session closes its parent to other users, as which, where root
    # runs the tests, the servers run.
    with TemporaryDirectory(prefix="kinship-test-") as directory:
        config = StackConfig(Path(directory) / "data", database_url=None, broker_url=None)
        yield config
        stop(config)
        assert processes_of(config) == []


@pytest.fixture(scope="module")
def stopped_stack() -> Iterator[Path]:
    """The data directory of a stack that ran once."""
    with TemporaryDirectory(prefix="kinship-test-") as directory:
        config = StackConfig(Path(directory) / "data", database_url=None, broker_url=None)
        ensure_started(config)
        stop(config)
        yield config.data_dir


@pytest.fixture
def started(config: StackConfig, stopped_stack: Path) -> StackConfig:
    """A stack that runs, and not for the first time: making its data takes most of a start."""
    # With the owners of the files: as root, the servers run as another user.
    subprocess.run(["cp", "-a", str(stopped_stack), str(config.data_dir)], check=True)
    ensure_started(config)
    return config


@pytest.fixture(scope="session")
def shared() -> StackConfig:
    """The stack that all tests share."""
    return read_config(os.environ, Path())
