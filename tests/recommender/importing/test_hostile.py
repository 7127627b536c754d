"""Files that were made to break whoever reads them: refused with a reason, or read in bounds."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import LazySettings
from django.core.management.base import CommandError

from recommender.catalog import feeds
from recommender.importing import feed
from recommender.models import Feed, Product
from tests import corpus
from tests.embeddings.media_host import MediaHost, media_host
from tests.recommender.importing.desk import Desk
from tests.shop import NOON as LONG_AGO
from tests.shop import Shop

# Reads each file as an import does, in a process whose memory and time are its own.
_READER = """
import resource, sys
from pathlib import Path
import django, orjson
django.setup()
from recommender.importing import product_arguments, source
from recommender.importing.row import RefusedError

def used():
    own, child = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime
    return own.ru_maxrss >> 10, child.ru_maxrss >> 10, seconds

def read(path):
    problems = []
    try:
        found = source.examine(path, source.Options(), product_arguments.FORMATS)
        with path.open("rb") as file:
            problems = [row.problem or "" for row in found.rows(file)]
    except RefusedError as exc:
        return str(exc)
    return f"{len(problems)} rows; {'; '.join(sorted(set(problems) - {''}))}"

for line in sys.stdin:
    own, _, seconds = used()
    said = read(Path(line.strip()))
    after = used()
    told = after[0] - own, after[1], after[2] - seconds, said
    print(orjson.dumps(told).decode(), flush=True)
"""
_MEGABYTES, _SECONDS = 200, 10
_CHILD_MEGABYTES = 1_200  # what sheets are read in: its limit, and Python

# What is said of each.
BOMBS = {
    "gzip-zeros": "1 rows; longer than 1 MiB",
    "gzip-rows": "unpacks to more than",
    "zstd": "unpacks to more than",
    "zip": "unpacks to more than",
    "zip-many": r"holds 5000 files \(0.csv, 1.csv",
    "workbook-corner": "with 1 GB of memory.* after row 0; nothing was imported",
    "workbook-text": "Line 2: longer than 1 MiB",
    "workbook-rows": "50000 rows",
    "parquet-texts": "with 1 GB of memory.* after row 0; nothing was imported",
    "json-lists": "one JSON object of 10,000,003 parts",
    "json-depth": "The JSON array does not end",
    "json-names": "60 rows",
    "xml-entities": "not well-formed XML.*line 1",
    "xml-attribute": "not well-formed XML.*line 1",
    "xml-elements": "more than 4 MiB after its 1 first items",
    "xml-item": "more than 4 MiB after its 0 first items",
    "xml-channels": "150000 rows",
    "csv-quotes": "rows; malformed row: a quote is not closed",
    "csv-quoted-header": "rows",
    "csv-columns": "1 rows",
    "csv-line": "2 rows; longer than 1 MiB",
}


@pytest.fixture(scope="module")
def reader() -> Iterator[Callable[[Path], Any]]:
    command = [sys.executable, "-c", _READER]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "recommender.settings"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as process:
        assert process.stdin
        assert process.stdout

        def read(path: Path) -> Any:
            process.stdin.write(f"{path}\n".encode())
            process.stdin.flush()
            return orjson.loads(process.stdout.readline())

        yield read
        process.stdin.close()


def test_every_bomb_has_what_is_said_of_it() -> None:
    assert corpus.BOMBS.keys() == BOMBS.keys()
    assert corpus.FILES.keys() == REFUSED.keys() | TAKEN.keys()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_little_memory_and_time(
    tmp_path: Path, reader: Callable[[Path], Any], name: str
) -> None:
    file, content = corpus.BOMBS[name]()
    path = tmp_path / file
    path.write_bytes(content)

    grown, of_child, seconds, said = reader(path)

    assert grown < _MEGABYTES
    assert of_child < _CHILD_MEGABYTES
    assert seconds < _SECONDS
    assert re.search(BOMBS[name], said)


# What is said of a file that is refused whole, and what a command of events says first.
REFUSED = {
    "empty": "is empty",
    "blank": "is empty",
    "noise": "is not a text file",
    "picture": "Nothing gives the product's id",
    "carriage-returns": "its lines must end in LF or CR LF",
    "quote-in-header": "Nothing gives the product's id",
    "json-open": "The JSON array does not end; its last line is 1",
    "xml-open": "not well-formed XML.* line 1",
    "xml-deep": "Excessive depth.* line 1",
    "zip-in-zip": "is not a text file",
    "zip-nothing": "is not a text file",
    "zip-cut": "The ZIP file cannot be read",
    "zip-name": "The ZIP file cannot be read",
    "zip-encrypted": "password required",
    "zip-unknown": "compression method is not supported",
    "zip-deflate": "is damaged",
    "zip-lzma": "is damaged",
    "zip-bzip2": "Invalid data stream",
    "gzip-cut": "is damaged",
    "gzip-more": "is damaged",
    "bzip2": "is not a text file",
    "xz": "is not a text file",
    "zstd-window": "is damaged .*too much memory",
    "workbook-open": "The workbook cannot be read",
    "workbook-empty": "The workbook cannot be read",
    "parquet-cut": "The Parquet file cannot be read",
    "parquet-noise": "The Parquet file cannot be read",
}
# The products that come of a file, and the reasons of its other rows by line.
TAKEN: dict[str, tuple[int, dict[int, str]]] = {
    "nul": (1, {2: "title holds a NUL character"}),
    "said-delimiter": (1, {}),
    "half-utf-16": (1, {3: "not UTF-8"}),
    "csv-huge-numbers": (1, dict.fromkeys((2, 3, 4), "price is not a number")),
    "json-surrogate": (1, {1: "malformed row: not valid JSON"}),
    "json-numbers": (1, {2: "malformed row: not valid JSON"}),
    "json-deep-row": (1, {2: "malformed row: nests deeper than 254 levels"}),
    "json-deep-object": (1, {2: "malformed row: nests deeper than 254 levels"}),
    "xml-file": (1, {}),
    "zip-path": (2_000, {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_holds_no_rows_is_refused_with_the_reason(
    shop: Shop, desk: Desk, name: str
) -> None:
    file, content = corpus.FILES[name]
    path = desk.file(content, file)

    with pytest.raises(CommandError, match=REFUSED[name]):
        desk.products(path)
    with pytest.raises(CommandError) as refused:
        desk.events(path)
    assert "Nothing gives the user" in str(refused.value) or re.search(
        REFUSED[name], str(refused.value)
    )
    assert not Product.objects.exists()


@pytest.mark.parametrize("name", TAKEN)
def test_a_bad_row_costs_only_itself_and_is_named(shop: Shop, desk: Desk, name: str) -> None:
    file, content = corpus.FILES[name]
    added, reasons = TAKEN[name]

    report = desk.products(desk.file(content, file))

    assert report.count("products added") == added
    assert report.reasons == reasons
    assert "root:" not in (Product.objects.first().title or "")


@pytest.fixture
def host(settings: LazySettings) -> Iterator[MediaHost]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with media_host() as running:
        yield running


@pytest.mark.parametrize("name", [*REFUSED, "gzip-rows", "workbook-corner", "xml-item"])
def test_a_feed_of_such_a_file_fails_with_the_same_reason(
    shop: Shop, host: MediaHost, name: str
) -> None:
    file, content = corpus.BOMBS[name]() if name in BOMBS else corpus.FILES[name]
    saved = Feed.objects.create(
        catalog=shop.catalog, url=host.put(f"/{file}", content), every_hours=1, next_at=LONG_AGO
    )

    with feeds.claimed(saved.pk) as claim:
        assert claim is not None
        feed.fetch(claim)

    saved.refresh_from_db()
    assert saved.status == Feed.Status.FAILED
    assert re.search((REFUSED | BOMBS)[name], saved.error)
