"""Files to import that are at an address: fetched safely, and only where they have changed."""

import hashlib
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils import timezone

from embeddings.errors import Rejected, Unavailable
from embeddings.media.addresses import without_user
from embeddings.media.connection import TimeLimits
from embeddings.media.download import Visit, download, named
from recommender.importing.row import RefusedError
from recommender.models import Catalog, FetchedFile, Sync

TIMES = TimeLimits(connect=10.0, read=60.0, total=1800.0)

_DAY = 86_400  # seconds; what a killed import has left lies no longer
_MOST_OF_NAME, _MOST_OF_HEADER = 80, 1_000  # characters
# Of the names that tell what a file is, the one that a kind of content has.
_SUFFIXES = {
    "application/json": ".json",
    "application/ld+json": ".json",
    "application/jsonl": ".jsonl",
    "application/ndjson": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
}
_NAMED = re.compile(
    r"\.(jsonl|ndjson|json|xml|csv|tsv|txt|parquet|xlsx|gz|zst|zip)$", re.IGNORECASE
)
_PAGE = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype html|html)", re.IGNORECASE | re.DOTALL
)


class UnreachableError(RefusedError):
    """The host does not answer, or says to come back later."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is at an address.

    Attributes:
        path: of the file; None where it is as it was.
        since: when it was imported as it is; None where there is a file.
        remember: to be called once it is imported: then it is fetched again only where it changes.
    """

    path: Path | None
    since: datetime | None
    remember: Callable[[], None]


def is_address(file: str) -> bool:
    """Whether a file is not here but at an address."""
    return "://" in file


@contextmanager
def fetched(
    catalog: Catalog,
    address: str,
    identity: Sequence[object],
    *,
    anew: bool,
    say: Callable[[str], object],
) -> Iterator[Fetched]:
    """What is at an address, in a file that is there within the block.

    Args:
        identity: what, beside the address, makes an import of it this one and no other.
        anew: fetch it even if it has not changed.
        say: is told of the address without the user and password in it, as errors are.

    Raises:
        UnreachableError: its host does not answer.
        RefusedError: it cannot be fetched.
    """
    shown = without_user(address)
    key = hashlib.sha256(repr((shown, *identity)).encode()).digest()
    known = FetchedFile.objects.filter(catalog=catalog, key=key).first()
    conditions = {} if anew or known is None or _is_undone(known) else known.conditions
    with tempfile.TemporaryDirectory(dir=_directory()) as directory:
        path = Path(directory) / "file"
        started = time.monotonic()
        headers = _download(address, path, conditions)
        if headers is None:
            yield Fetched(None, known.fetched_at if known else None, lambda: None)
            return
        path = path.rename(path.with_name(_name(shown, headers)))
        size, seconds = path.stat().st_size / 1e6, time.monotonic() - started
        say(f"{size:,.1f} MB fetched in {seconds:.1f} s from {shown}")
        yield Fetched(path, None, lambda: _remember(catalog, key, shown, headers))


def _is_undone(known: FetchedFile) -> bool:
    """Whether something else has taken products off sale since; then the same file has work."""
    later = Sync.objects.filter(catalog=known.catalog_id, done_at__gt=known.fetched_at)
    return later.filter(removed__gt=0).exists()


def _directory() -> Path:
    """Where files are fetched to, without what a killed import has left."""
    directory = settings.STACK.data_dir / "fetched"
    directory.mkdir(parents=True, exist_ok=True)
    for left in directory.iterdir():
        # Another process may be done with its own at this moment.
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - _DAY:
                shutil.rmtree(left, ignore_errors=True)
    return directory


def _download(address: str, path: Path, conditions: Mapping[str, str]) -> Mapping[str, str] | None:
    """The headers of what is now in the file; None where it has not changed."""
    shown = without_user(address)
    visit = Visit(
        max_bytes=settings.FEED_BYTES,
        allowed_hosts=settings.MEDIA_HOSTS,
        times=TIMES,
        headers={"Accept-Encoding": "gzip", **conditions},
        advice="raise KINSHIP_FEED_MAX_MB",
        takes_user=True,
    )
    try:
        with named(shown, "file"), path.open("wb") as file:
            answer = download(address, visit, file.write)
    except Unavailable as exc:
        raise UnreachableError(str(exc)) from exc
    except Rejected as exc:
        raise RefusedError(str(exc)) from exc
    except OSError as exc:
        raise RefusedError(f"{shown} cannot be stored: {exc.strerror or exc}.") from exc
    if not answer.is_modified:
        return None
    with path.open("rb") as file:
        if _PAGE.match(file.read(4096)):
            raise RefusedError(
                f"At {shown} is a web page, not a file of products or events; a sign-in may be "
                "asked for. Give the address of the file itself."
            )
    return answer.headers


def _name(address: str, headers: Mapping[str, str]) -> str:
    """A name that tells what the file is, as far as address and host do."""
    last = unquote(urlsplit(address).path).rpartition("/")[2]
    name = re.sub(r"[^\w.-]+", "_", last, flags=re.ASCII)[-_MOST_OF_NAME:].lstrip(".") or "feed"
    if _NAMED.search(name):
        return name
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return name + _SUFFIXES.get(kind, "")


def _remember(catalog: Catalog, key: bytes, address: str, headers: Mapping[str, str]) -> None:
    kept = {
        "address": address,
        "etag": _returnable(headers.get("etag", "")),
        "last_modified": _returnable(headers.get("last-modified", "")),
        "fetched_at": timezone.now(),
    }
    FetchedFile.objects.update_or_create(catalog=catalog, key=key, defaults=kept)


def _returnable(header: str) -> str:
    """A header that can be sent back; empty where it cannot."""
    is_right = header.isascii() and header.isprintable() and len(header) <= _MOST_OF_HEADER
    return header if is_right else ""
