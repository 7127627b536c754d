"""pg_upgrade on a data directory: here from a version to itself, which it allows."""

from pathlib import Path

import psycopg
import pytest

from recommender.stack import StackConfig, StackError, database_url, ensure_started, stop
from recommender.stack.account import postgres_program
from recommender.stack.cluster import check_major_version
from recommender.stack.upgrade import check_upgradable, upgrade

PROGRAMS = postgres_program("postgres").parent


def silent(_text: str, _done: int, _total: int) -> None:
    pass


@pytest.mark.slow
def test_an_upgrade_keeps_all_and_the_old_files(config: StackConfig) -> None:
    ensure_started(config)
    with psycopg.connect(database_url(config)) as link:
        link.execute("CREATE EXTENSION vector")
        link.execute("CREATE TABLE product (id text PRIMARY KEY, embedding halfvec(3))")
        link.execute("INSERT INTO product VALUES ('mug-😀', '[1,2,3]'), ('tent', '[0,0,1]')")
        link.execute("CREATE INDEX near ON product USING hnsw (embedding halfvec_cosine_ops)")
    with pytest.raises(StackError, match=r"Stop it first: \./kinship down"):
        upgrade(config, PROGRAMS, silent)
    stop(config)

    kept = upgrade(config, PROGRAMS, silent)

    assert kept == config.data_dir / "postgres-18"
    assert (kept / "PG_VERSION").read_text() == "18\n"
    assert not (config.data_dir / "upgrading").exists()
    ensure_started(config)
    with psycopg.connect(database_url(config)) as link:
        rows = link.execute("SELECT id, embedding::text FROM product ORDER BY id").fetchall()
        link.execute("SET enable_seqscan = off")
        nearest = "SELECT id FROM product ORDER BY embedding <=> '[0,0,2]' LIMIT 1"
        plan = link.execute(f"EXPLAIN {nearest}").fetchall()
        found = link.execute(nearest).fetchall()
    assert rows == [("mug-😀", "[1,2,3]"), ("tent", "[0,0,1]")]
    assert "near" in plan[1][0]
    assert found == [("tent",)]
    stop(config)
    with pytest.raises(StackError, match="is there already"):
        upgrade(config, PROGRAMS, silent)


def data_of(data_dir: Path, version: str) -> StackConfig:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text(f"{version}\n")
    return StackConfig(data_dir, None, None)


def programs_of(directory: Path, version: str) -> Path:
    directory.mkdir()
    for name in ("postgres", "pg_ctl", "pg_controldata", "pg_resetwal"):
        (directory / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (directory / name).chmod(0o755)
    return directory


def test_only_the_programs_of_the_old_version_upgrade_it(tmp_path: Path) -> None:
    config = data_of(tmp_path / "old", "17")
    right, wrong = programs_of(tmp_path / "17", "17.4"), programs_of(tmp_path / "16", "16.1")

    check_upgradable(config, right)
    for programs, why in (
        (wrong, "has the programs of PostgreSQL 16, and .* is of PostgreSQL 17"),
        (tmp_path, "has no postgres and no pg_ctl"),
    ):
        with pytest.raises(StackError, match=why):
            check_upgradable(config, programs)
    for other, why in (
        (data_of(tmp_path / "same", "18"), "there is nothing to upgrade"),
        (StackConfig(tmp_path / "none", None, None), "has no database"),
        (StackConfig(tmp_path, "postgresql://db/shop", None), "its own means upgrade"),
    ):
        with pytest.raises(StackError, match=why):
            check_upgradable(other, right)


def test_another_major_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    for version, why in (
        ("17", r"upgrade_postgres --old-bin DIRECTORY` with the programs of PostgreSQL 17"),
        ("99", "older, and a downgrade is not possible"),
    ):
        config = data_of(tmp_path / version, version)
        (config.layout.postgres / "postmaster.pid").write_text("1\n")
        with pytest.raises(StackError, match=why):
            ensure_started(StackConfig(config.data_dir, None, "redis://elsewhere"))
        assert len(list(config.layout.postgres.iterdir())) == 2

    # The machine stopped between the last two steps of an upgrade.
    config = data_of(tmp_path / "half" / "upgrading", "18")
    half = StackConfig(tmp_path / "half", None, None)
    (half.data_dir / "postgres-17").mkdir()
    with pytest.raises(StackError, match=r"postgres-17, which undoes it"):
        check_major_version(half.layout)
