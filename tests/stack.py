"""Gives the tests an embedded stack of their own; loaded before pytest-django reads settings."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from recommender import stack
from tests import signals

_DATA_DIR = Path(tempfile.mkdtemp(prefix="kinship-tests-"))
_DATA_DIR.chmod(0o711)  # as root, the servers' own user passes through

# Whatever the developer's shell points at, tests never touch it.
os.environ.pop("DATABASE_URL", None)
os.environ.pop("BROKER_URL", None)
os.environ["KINSHIP_DATA_DIR"] = str(_DATA_DIR)

_CONFIG = stack.read_config(os.environ, _DATA_DIR)


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL and Valkey, unless no test will run."""
    if not (config.option.collectonly or config.option.help):
        signals.restore()
        stack.ensure_started(_CONFIG)


@atexit.register
def _remove() -> None:
    """Also runs where pytest fails before or after its own hooks."""
    stack.stop(_CONFIG)
    shutil.rmtree(_DATA_DIR)
