"""Gives the tests an embedded stack of their own; loaded before pytest-django reads settings.

Each parallel worker is a process that loads this module and has a whole stack to itself, so no test
meets another's database, queue or stopped server. The run's first process keeps all of them in one
directory, and stops what is left of them, also where a worker was killed.
"""

import atexit
import gc
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from recommender import stack
from tests import signals

_WHOLLY_SLOW = re.compile(r"^pytestmark = \[?\s*pytest\.mark\.slow", re.MULTILINE)
_RUN_DIR = "KINSHIP_TESTS_DIR"
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")


def _make_run_dir() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="kinship-tests-"))
    directory.chmod(0o711)  # as root, the servers' own user passes through
    os.environ[_RUN_DIR] = str(directory)  # the workers inherit it
    return directory


_RUN = Path(os.environ[_RUN_DIR]) if _WORKER else _make_run_dir()
_DATA_DIR = _RUN / (_WORKER or "main")

# Whatever the developer's shell points at, tests never touch it.
os.environ.pop("DATABASE_URL", None)
os.environ.pop("BROKER_URL", None)
for _name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[_name]
os.environ["KINSHIP_DATA_DIR"] = str(_DATA_DIR)


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL and Valkey where tests will run: in each worker, else in this process."""
    if config.option.collectonly or config.option.help:
        return
    signals.restore()
    if _WORKER or config.option.dist == "no":
        config = _config_of(_DATA_DIR)
        stack.ensure_started(config)
        _quicken(config)


def pytest_xdist_auto_num_workers() -> int:
    """A worker for each processor that this process may use."""
    return len(os.sched_getaffinity(0))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files of which all is slow, where that is not wanted: some load much."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    return _WHOLLY_SLOW.search(collection_path.read_text(encoding="utf-8")) is not None or None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is loaded and collected stays: the garbage collector need not look through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the workers slow files first, so that none is alone with one at the end."""
    if _WORKER:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def _config_of(data_dir: Path) -> stack.StackConfig:
    return stack.read_config({"KINSHIP_DATA_DIR": str(data_dir)}, _RUN)


def _quicken(config: stack.StackConfig) -> None:
    """Set the server up for many small tests, and start it again with that.

    What a test commits need not outlive the machine; processes may still be killed. And whoever
    drops a table looks through all shared buffers: each test that is rolled back drops some.
    """
    with psycopg.connect(stack.database_url(config), autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} TO off")
        connection.execute("ALTER SYSTEM SET shared_buffers TO '64MB'")
    stack.stop(config)
    stack.ensure_started(config)


def _remove() -> None:
    for data_dir in _RUN.iterdir():
        stack.stop(_config_of(data_dir))
    shutil.rmtree(_RUN)


if not _WORKER:
    # Also runs where pytest fails before or after its own hooks.
    atexit.register(_remove)
