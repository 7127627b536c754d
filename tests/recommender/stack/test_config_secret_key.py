import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recommender.stack.config import (
    PROJECT_DIR,
    StackError,
    check_secret_key,
    read_or_make_secret_key,
)

DAMAGED = [b"", b" \n", b"kAxU3", b"\xff\xfe\x00" * 20, b"a" * 60, b"\x00" * 67]


def ask_at_once(path: Path) -> set[str]:
    with ThreadPoolExecutor(8) as threads:
        return set(threads.map(lambda _: read_or_make_secret_key(path), range(8)))


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    key = read_or_make_secret_key(path)
    assert len(key) > 50
    assert read_or_make_secret_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_processes_that_start_at_once_have_the_same_whole_key(tmp_path: Path) -> None:
    for round_ in range(20):
        keys = ask_at_once(tmp_path / f"secret_key_{round_}")
        assert len(keys) == 1
        assert len(keys.pop()) > 50


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_is_made_anew_once_and_said(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        (key,) = ask_at_once(path)
    assert len(key) > 50
    assert read_or_make_secret_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
    (line,) = caplog.messages
    assert "held no usable key, so a new one was made" in line


def test_a_key_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"cannot be read or made: Is a directory\. Remove it"):
        read_or_make_secret_key(tmp_path)


def test_a_key_that_can_be_guessed_is_refused_with_another_way() -> None:
    example = (PROJECT_DIR / "docker/.env.example").read_text()
    (placeholder,) = (
        line.partition("=")[2] for line in example.splitlines() if "SECRET_KEY=" in line
    )
    for key in (placeholder, "secret", "0123" * 20):
        with pytest.raises(StackError, match="openssl rand -base64 48"):
            check_secret_key(key)
    good = "q8J3nfYtPz0vXr5uWk2mBd7sLh4cGe9aTyN6"
    assert check_secret_key(good) == good
