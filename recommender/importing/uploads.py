"""The life of an upload: kept, tried, imported by one process, its file removed.

The file is in a directory of its own below the data directory, for this account's eyes only. That
an upload waits is data: a lost message and a dead worker heal by the sweep.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils import timezone
from psycopg import sql

from recommender import database, locks
from recommender.locks import SessionLock, session_lock
from recommender.models import Upload

# A file that nobody imports is somebody's data that lies about.
FILE_FOR = timedelta(days=1)
# What came of an upload, and what was rejected, can be looked at so long.
KEPT_FOR = timedelta(days=30)
DIED = "Its worker died or was stopped before it had finished. Start it again: it goes on there."

UNFINISHED = (Upload.Status.WAITING, Upload.Status.RUNNING)
_LOCK = 7_310_039
_LONGEST_NAME = 100

# Sent with `upload_id` when an upload is to be tried or imported; maybe inside a transaction.
upload_requested = Signal()

_DEAD = sql.SQL(
    "SELECT u.id FROM recommender_upload u WHERE u.status = 'running' AND NOT {}"
).format(locks.is_locked("id", "u"))


@dataclass(frozen=True, slots=True)
class Claim:
    """An upload that is this process's to carry out, as long as `check` does not raise."""

    upload: Upload
    check: Callable[[], None]


def keep(upload: Upload, pieces: Iterable[bytes]) -> None:
    """Store a new upload, and its file."""
    upload.save()
    path = file_of(upload)
    path.parent.mkdir(mode=0o700, parents=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)


def file_of(upload: Upload) -> Path:
    """Where the file is; it has the end of its name, which tells JSON."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", upload.name)[-_LONGEST_NAME:].lstrip(".")
    return _directory(upload.pk) / (name or "file")


def rejects_of(upload: Upload) -> Path:
    """Where the rows are that were rejected the last time, if there were any."""
    return settings.STACK.data_dir / "rejects" / f"upload-{upload.pk}.csv"


def has_file(upload: Upload) -> bool:
    """Whether the file is still there."""
    return file_of(upload).is_file()


def request(upload: Upload, *, dry_run: bool) -> bool:
    """Have a worker try or import it; False where one is at it, or it is in already."""
    settled = Upload.objects.filter(pk=upload.pk).exclude(status__in=UNFINISHED)
    wanted = settled.exclude(status=Upload.Status.DONE).update(
        status=Upload.Status.WAITING, is_dry_run=dry_run, counts=[], report="", error=""
    )
    if wanted:
        upload_requested.send(Upload, upload_id=upload.pk)
    return bool(wanted)


def due() -> list[int]:
    """The uploads that wait; those whose process died are found first."""
    fail_dead()
    waiting = Upload.objects.filter(status=Upload.Status.WAITING)
    return list(waiting.values_list("pk", flat=True))


def fail_dead() -> None:
    """Have the uploads whose process died say so."""
    for (upload_id,) in database.fetch(_DEAD, {"lock": _LOCK}):
        # Whoever has taken it up since holds the lock.
        with _locked(upload_id) as lock:
            if lock is not None:
                _end(_running(upload_id), Upload.Status.FAILED, error=DIED)


@contextmanager
def claimed(upload_id: int) -> Iterator[Claim | None]:
    """Take up an upload that waits; whoever carries it out does so within the block.

    The server frees the advisory lock when the process dies. What the block raises is written to
    the upload, and raised on.

    Yields:
        The claim of the upload, which is running now; None where it does not wait or somebody is
        at it.
    """
    with _locked(upload_id) as lock:
        waiting = Upload.objects.filter(pk=upload_id, status=Upload.Status.WAITING)
        now = timezone.now()
        if lock is None or not waiting.update(status=Upload.Status.RUNNING, started_at=now):
            yield None
            return
        upload = Upload.objects.select_related("catalog").get(pk=upload_id)
        try:
            yield Claim(upload, lock.check)
        finally:
            if error := sys.exception():
                finish(upload, Upload.Status.FAILED, error=f"{type(error).__name__}: {error}")


def finish(upload: Upload, status: Upload.Status, **result: Any) -> None:
    """Keep what came of it, by the names of its fields; what is in needs its file no more."""
    # Who has lost the lock may meet one that another process has taken up since.
    _end(_running(upload.pk).filter(started_at=upload.started_at), status, **result)
    if status == Upload.Status.DONE:
        remove_file(upload.pk)


def tell_progress(upload: Upload, activity: str, share: float) -> None:
    """Say how far it is: in a file, as the connection is busy with the rows."""
    path = _directory(upload.pk) / "progress"
    partial = path.with_suffix(".part")
    partial.write_bytes(orjson.dumps([activity, share]))
    partial.replace(path)


def progress_of(upload: Upload) -> tuple[str, float]:
    """What is done now, and the share of the file that is read, from 0 to 1."""
    try:
        activity, share = orjson.loads((_directory(upload.pk) / "progress").read_bytes())
    except (OSError, ValueError):
        return "", 0.0
    return str(activity), float(share)


def remove_file(upload_id: int) -> None:
    """Remove the file; what came of it stays."""
    shutil.rmtree(_directory(upload_id), ignore_errors=True)


def remove(upload: Upload) -> None:
    """Remove an upload, its file and what was rejected."""
    remove_file(upload.pk)
    rejects_of(upload).unlink(missing_ok=True)
    upload.delete()


def prune() -> None:
    """Remove the files that nobody imported for a day, and uploads of long ago."""
    now = timezone.now()
    idle = Upload.objects.exclude(status__in=UNFINISHED)
    for upload in idle.filter(created_at__lt=now - KEPT_FOR):
        remove(upload)
    for upload_id in idle.filter(created_at__lt=now - FILE_FOR).values_list("pk", flat=True):
        remove_file(upload_id)
    _remove_orphans()


def _remove_orphans() -> None:
    """The files of uploads that are no more, as those of a deleted catalog.

    Not at once: whoever uploads one now has a file before others see its row.
    """
    home = settings.STACK.data_dir / "uploads"
    known = set(Upload.objects.values_list("pk", flat=True))
    old = time.time() - FILE_FOR.total_seconds()
    for directory in home.iterdir() if home.is_dir() else ():
        is_old = directory.stat().st_mtime < old
        if is_old and directory.name.isdecimal() and int(directory.name) not in known:
            remove_file(int(directory.name))


def _end(running: "QuerySet[Upload]", status: Upload.Status, **result: Any) -> None:
    running.update(status=status, finished_at=timezone.now(), **result)


def _running(upload_id: int) -> "QuerySet[Upload]":
    return Upload.objects.filter(pk=upload_id, status=Upload.Status.RUNNING)


def _directory(upload_id: int) -> Path:
    directory: Path = settings.STACK.data_dir / "uploads" / str(upload_id)
    return directory


def _locked(upload_id: int) -> AbstractContextManager[SessionLock | None]:
    return session_lock(f"upload {upload_id}", _LOCK << 32 | upload_id)
