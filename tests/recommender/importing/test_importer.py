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


def start(command: str, path: Path, *options: str) -> "subprocess.Popen[bytes]":
    """A command on the test's database, as a process of its own."""
    name = connection.settings_dict["NAME"]
    url = f"postgresql://kinship@/{name}?host={settings.STACK.layout.sockets}"
    return subprocess.Popen(
        [
            *(sys.executable, PROJECT_DIR / "manage.py", command, path),
            *("--catalog", "shop", *options),
        ],
        env=os.environ | {"DATABASE_URL": url},
        stderr=subprocess.PIPE,
    )


def kill_once_it_has_staged(process: "subprocess.Popen[bytes]") -> str:
    """Kill it after its first commit; the name of its staging table."""
    with process:
        while not (tables := staged()) or not committed(tables[0]):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
        process.kill()
    return tables[0]


def test_an_import_that_is_killed_goes_on_from_what_it_has_read(committed_shop, desk):
    committed_shop.stock(a="Red mug", b="Blue mug")
    rows = [f"u{n % 100},{'ab'[n % 2]},{1_700_000_000 + n}" for n in range(ROWS)]
    path = desk.file("\n".join(["u,p,t", *rows, "nobody,nothing,never"]))
    table = kill_once_it_has_staged(start("import_events", path, *EVENTS))
    # Only a run that goes on from here, and does not read it again, can know of this.
    with connection.cursor() as cursor:
        cursor.execute(f"""UPDATE "{table}" SET "user" = 'from before' WHERE line = 2""")

    report = desk.events(path, *EVENTS)

    assert f"{ROWS + 1:,} rows read" in report.output
    assert Event.objects.filter(catalog=committed_shop.catalog).count() == ROWS
    assert Event.objects.filter(user=committed_shop.user("from before")).count() == 1
    assert report.reasons == {ROWS + 2: "at is not a time"}
    assert staged() == []


def test_a_whole_catalog_whose_import_is_killed_goes_on_and_removes_only_what_it_lacks(
    committed_shop, desk
):
    committed_shop.stock(**{f"p{n}": "Mug" for n in range(8)}, gone="Mug", wrong="Mug")
    rows = ["id,title,price", "wrong,Mug,cheap", *(f"p{n},Mug,1" for n in range(60_000))]
    path = desk.file("\n".join(rows))
    kill_once_it_has_staged(start("import_products", path, "--replace"))
    committed_shop.stock(meanwhile="Made over REST after the import began")

    report = desk.products(path, "--replace")

    assert report.count("products taken off sale") == 1
    assert committed_shop.product("gone").deleted_at is not None
    assert committed_shop.product("wrong").deleted_at is None
    assert committed_shop.product("meanwhile").deleted_at is None
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
