"""Fixtures of the import's tests."""

from pathlib import Path

import pytest

from tests.recommender.importing.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Imports into the catalog `shop`, which a test opens by its fixture."""
    return Desk(tmp_path)
