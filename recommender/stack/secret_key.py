"""The key that signs sessions, made once for a data directory."""

import os
import secrets
from pathlib import Path

from recommender.stack.errors import StackError


def read_or_make(path: Path) -> str:
    """The key in a file, which is made where there is none; the same for whoever asks at once.

    Raises:
        StackError: the file is empty, as a full disk may leave it.
    """
    if not path.exists():
        _make(path)
    key = path.read_text().strip()
    if not key:
        raise StackError(
            f"{path} is empty. Delete it, and a new key is made: everybody who is signed in to the "
            "admin signs in again. Or set KINSHIP_SECRET_KEY."
        )
    return key


def _make(path: Path) -> None:
    """Write a key beside the file, then link it there: nobody ever reads half of one."""
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
            file.flush()
            os.fsync(file.fileno())
        os.link(made, path)
    except FileExistsError:
        return  # another process was first
    finally:
        made.unlink(missing_ok=True)
