from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender.stack.config import StackError, read_or_make_secret_key


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    key = read_or_make_secret_key(path)
    assert len(key) > 50
    assert read_or_make_secret_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_at_once_have_the_same_whole_key(tmp_path: Path) -> None:
    for round_ in range(20):
        path = tmp_path / f"secret_key_{round_}"
        with ThreadPoolExecutor(8) as threads:
            keys = set(threads.map(lambda _, path=path: read_or_make_secret_key(path), range(8)))
        assert len(keys) == 1
        assert len(keys.pop()) > 50


def test_an_empty_key_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(StackError, match=r"is empty\. Delete it"):
        read_or_make_secret_key(tmp_path / "secret_key")
