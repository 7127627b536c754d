"""What a backup holds, and which ones are refused before anything is touched."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from recommender.stack import StackConfig, StackError, database_url
from recommender.stack.backup import (
    FORMAT,
    Manifest,
    Part,
    Source,
    check_parts,
    read_manifest,
    target_file,
    write_backup,
)
from recommender.stack.processes import file_lock
from recommender.stack.restore import (
    inspect,
    prepare_target,
    restore,
    secret_key_of,
    settings_of,
)

KNOWN = frozenset({"recommender.0001_initial", "recommender.0002_more"})
PARTS = {"database.dump": b"rows", "secret_key": b"key", "settings.json": b"{}"}
NOW = datetime(2026, 1, 31, 2, tzinfo=UTC)


def silent(_text: str, _done: int, _total: int) -> None:
    pass


def make_backup(file: Path, **changes: object) -> Path:
    """A backup of a few bytes; `changes` are what its manifest says otherwise."""
    parts = {
        name: Part(len(data), hashlib.sha256(data).hexdigest()) for name, data in PARTS.items()
    }
    manifest = Manifest(
        format=FORMAT,
        version="0.1.0",
        created=NOW.isoformat(),
        postgres=180006,
        pgvector="0.8.6",
        migrations=("recommender.0001_initial", "auth.9999_of_another_package"),
        database_bytes=4,
        parts=parts,
    )
    with ZipFile(file, "w") as archive:
        for name, data in PARTS.items():
            archive.writestr(name, data)
        archive.writestr("manifest.json", json.dumps(asdict(manifest) | changes))
    return file


@pytest.fixture
def databases(shared: StackConfig) -> Iterator[tuple[str, str]]:
    """One with a shop's table, one that is empty, both as somebody else's server has them."""
    names = ("backup_source", "backup_target")
    url = database_url(shared)
    with psycopg.connect(url, autocommit=True) as link:
        for name in names:
            link.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        source, target = (make_conninfo(url, dbname=name) for name in names)
        with psycopg.connect(source) as shop:
            shop.execute("CREATE EXTENSION vector")
            shop.execute("CREATE TABLE django_migrations (app text, name text)")
            shop.execute("INSERT INTO django_migrations VALUES ('recommender', '0001_initial')")
            shop.execute("CREATE TABLE product (id text PRIMARY KEY, embedding halfvec(3))")
            shop.execute("INSERT INTO product VALUES ('mug-😀', '[1,2,3]'), ('tent', '[0,0,1]')")
            shop.execute("CREATE INDEX ON product USING hnsw (embedding halfvec_cosine_ops)")
        yield source, target
        for name in names:
            link.execute(f"DROP DATABASE {name} WITH (FORCE)")


def external(url: str, data_dir: Path) -> StackConfig:
    # check_database wants a URL; libpq takes either form.
    parts = psycopg.conninfo.conninfo_to_dict(url)
    address = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}"
    return StackConfig(data_dir, database_url=address, broker_url="redis://localhost:6379/0")


def test_what_is_restored_is_what_was_backed_up(databases: tuple[str, str], tmp_path: Path) -> None:
    source, target = (external(url, tmp_path) for url in databases)
    file = tmp_path / "shop.backup"
    said: list[str] = []

    variables = {"KINSHIP_HOSTS": "shop.example", "KINSHIP_MODELS": "{\n}"}
    write_backup(Source(source, "the key", variables), file, lambda text, *_: said.append(text))
    manifest = inspect(file, KNOWN)
    assert prepare_target(target, manifest) is False
    restore(target, file, manifest, lambda text, *_: said.append(text))

    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    assert manifest.migrations == ("recommender.0001_initial",)
    assert (secret_key_of(file), settings_of(file)) == ("the key", variables)
    assert (tmp_path / "secret_key").read_text() == "the key"
    with psycopg.connect(databases[1]) as link:
        rows = link.execute("SELECT id, embedding::text FROM product ORDER BY id").fetchall()
        index = link.execute("SELECT indexdef FROM pg_indexes WHERE indexdef ~ 'hnsw'").fetchall()
    assert rows == [("mug-😀", "[1,2,3]"), ("tent", "[0,0,1]")]
    assert len(index) == 1
    assert "Backing up the tables, in MB" in said
    assert "Building indexes" in said
    with (
        file_lock(tmp_path / "run" / "supervisor.lock"),
        pytest.raises(StackError, match=r"Kinship is running\. Stop it first"),
    ):
        restore(target, file, manifest, silent)
    # Where there is something now, a second one fails and changes nothing.
    assert prepare_target(target, manifest) is True
    with pytest.raises(StackError, match=r"pg_restore failed: .*already exists"):
        restore(target, file, manifest, silent)


def test_a_server_that_is_older_than_the_backups_is_refused(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    manifest = read_manifest(make_backup(tmp_path / "b", postgres=990001))

    with pytest.raises(StackError, match="The backup is of PostgreSQL 99, this server is 18"):
        prepare_target(external(databases[1], tmp_path), manifest)


def test_a_backup_of_a_newer_kinship_is_refused(tmp_path: Path) -> None:
    newer = ["recommender.0001_initial", "recommender.0003_later"]
    file = make_backup(tmp_path / "b", migrations=newer, version="9.1")
    with pytest.raises(
        StackError, match=r"by Kinship 9\.1, .* it has recommender\.0003_later, and a downgrade is"
    ):
        inspect(file, KNOWN)

    with pytest.raises(StackError, match=r"in a form that .* does not know"):
        inspect(make_backup(tmp_path / "b", format=FORMAT + 1), KNOWN)

    # An older one, and what other packages have, are no reason.
    assert inspect(make_backup(tmp_path / "b"), KNOWN).postgres == 180006


@pytest.mark.parametrize("what", ["cut", "text", "empty", "no manifest", "a list", "a number"])
def test_what_is_no_whole_backup_is_refused(tmp_path: Path, what: str) -> None:
    file = make_backup(tmp_path / "b")
    whole = file.read_bytes()
    if what in ("cut", "text", "empty"):
        file.write_bytes({"cut": whole[:-60], "text": b"id,title\n", "empty": b""}[what])
    else:
        manifests = {"a list": "[]", "a number": '{"format": 1, "parts": 3, "migrations": []}'}
        with ZipFile(file, "w") as archive:
            archive.writestr("database.dump", b"")
            if what in manifests:
                archive.writestr("manifest.json", manifests[what])

    with pytest.raises(StackError, match="is no whole backup of Kinship"):
        read_manifest(file)
    with pytest.raises(StackError, match=r"Cannot read .*: No such file"):
        read_manifest(tmp_path / "missing")


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_damaged_or_missing_part_is_named(tmp_path: Path, name: str) -> None:
    file = make_backup(tmp_path / "b")
    manifest = read_manifest(file)
    check_parts(file, manifest, silent)

    damaged = bytearray(file.read_bytes())
    damaged[damaged.index(PARTS[name], damaged.index(name.encode()) + len(name))] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(StackError, match=f"its {name} is not what was backed up"):
        check_parts(file, manifest, silent)

    with ZipFile(file, "w") as archive:
        for other in PARTS.keys() - {name}:
            archive.writestr(other, PARTS[other])
    with pytest.raises(StackError, match=f"its {name} is not what was backed up"):
        check_parts(file, manifest, silent)


def test_a_backup_gets_a_name_and_overwrites_nothing(tmp_path: Path) -> None:
    named = target_file(tmp_path, NOW)
    assert named == tmp_path / "kinship-20260131T020000Z.backup"

    named.touch()
    for path in (tmp_path, named):
        with pytest.raises(StackError, match="overwrites nothing"):
            target_file(path, NOW)
    with pytest.raises(StackError, match="There is no directory"):
        target_file(tmp_path / "nowhere" / "b", NOW)


def test_a_backup_that_cannot_be_written_leaves_nothing(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    source = Source(external(databases[0], tmp_path), "key", {})
    too_long = tmp_path / ("n" * (os.pathconf(tmp_path, "PC_NAME_MAX")))

    with pytest.raises(StackError, match=r"Cannot write .*: File name too long"):
        write_backup(source, too_long, silent)
    with pytest.raises(StackError, match=r"Cannot write .*: File name too long"):
        target_file(tmp_path / ("n" * 300), NOW)

    # The database goes away in the midst of it.
    def end_all(_text: str, _done: int, _total: int) -> None:
        with psycopg.connect(databases[1], autocommit=True) as link:
            link.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'pg_dump'"
            )

    with psycopg.connect(databases[0], autocommit=True) as shop:
        shop.execute(
            "INSERT INTO product SELECT repeat(md5(n::text), 20) || n "
            "FROM generate_series(1, 60000) n"
        )
    with pytest.raises(StackError, match=r"pg_dump failed: .*(terminat|closed the connection)"):
        write_backup(source, tmp_path / "b", end_all)
    assert list(tmp_path.iterdir()) == []
