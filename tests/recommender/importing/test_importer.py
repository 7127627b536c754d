"""Imports that are large, or do not live to their end."""

import json
import os
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from recommender import database
from recommender.models import Event, Product
from recommender.stack.config import PROJECT_DIR

pytestmark = pytest.mark.slow

ROWS = 110_000
EVENTS = ("--type", "view", "--map", "user=u", "product=p", "at=t")


def staged() -> list[str]:
    """The staging tables that others see."""
    rows = database.fetch(
        "SELECT relname FROM pg_class WHERE relname ~ '^recommender_import_.{32}$'"
    )
    return [name for (name,) in rows]


def committed(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{name}"')
        return cursor.fetchone()[0]


def start(path: Path) -> "subprocess.Popen[bytes]":
    """`manage.py import_events` on the test's database, as a process of its own."""
    name = connection.settings_dict["NAME"]
    url = f"postgresql://kinship@/{name}?host={settings.STACK.layout.sockets}"
    return subprocess.Popen(
        [
            *(sys.executable, PROJECT_DIR / "manage.py", "import_events", path),
            *("--catalog", "shop", *EVENTS),
        ],
        env=os.environ | {"DATABASE_URL": url},
        stderr=subprocess.PIPE,
    )


def test_an_import_that_is_killed_goes_on_from_what_it_has_read(committed_shop, desk):
    committed_shop.stock(a="Red mug", b="Blue mug")
    rows = [f"u{n % 100},{'ab'[n % 2]},{1_700_000_000 + n}" for n in range(ROWS)]
    path = desk.file("\n".join(["u,p,t", *rows, "nobody,nothing,never"]))
    process = start(path)
    with process:
        while not (tables := staged()) or not committed(tables[0]):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.kill()
    # Only a run that goes on from here, and does not read it again, can know of this.
    with connection.cursor() as cursor:
        cursor.execute(f"""UPDATE "{tables[0]}" SET "user" = 'from before' WHERE line = 2""")

    report = desk.events(path, *EVENTS)

    assert f"{ROWS + 1:,} rows read" in report.output
    assert Event.objects.filter(catalog=committed_shop.catalog).count() == ROWS
    assert Event.objects.filter(user=committed_shop.user("from before")).count() == 1
    assert report.reasons == {ROWS + 2: "at is not a time"}
    assert staged() == []


def test_a_large_file_takes_no_more_memory_than_a_small_one(shop, desk):
    line = json.dumps({"id": "p%06d", "title": "Mug", "description": "x" * 5_000})
    path = desk.file("\n".join(line % n for n in range(8_000)))
    desk.products(path, "--dry-run")  # so that what is loaded once is not counted
    tracemalloc.start()
    try:
        desk.products(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert Product.objects.filter(catalog=shop.catalog).count() == 8_000
    assert path.stat().st_size > 40_000_000
    assert peak < 10_000_000
