"""What an archive of the log is found to have, and which moments are refused."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recommender.stack import StackConfig, StackError
from recommender.stack.archive import Slot, lateness, newest_run
from recommender.stack.backup import Source
from recommender.stack.manifest import FORMAT
from recommender.stack.physical import PhysicalManifest, prune, write_physical
from recommender.stack.point_in_time import check_target, covered
from recommender.stack.wal import Position, coverage

FINISHED = datetime(2026, 1, 31, 2, tzinfo=UTC)


def manifest_of(run: Path | str, start: str = "0/3000028", postgres: int = 180006):
    return PhysicalManifest(
        format=FORMAT,
        version="0.1.0",
        created=FINISHED.isoformat(),
        postgres=postgres,
        pgvector="0.8.6",
        migrations=(),
        database_bytes=4,
        parts={},
        timeline=1,
        start=start,
        run=str(run),
    )


@pytest.mark.parametrize(
    ("lsn", "segment"),
    [
        ("0/3000028", "000000010000000000000003"),
        ("0/FF000000", "0000000100000000000000FF"),
        ("1A/0", "000000010000001A00000000"),
    ],
)
def test_a_position_is_in_the_segment_that_postgresql_names(lsn: str, segment: str) -> None:
    assert Position.parse(1, lsn).segment == segment
    assert Position.parse(1, lsn).lsn == lsn


def test_a_missing_segment_ends_what_an_archive_has(tmp_path: Path) -> None:
    for number in (3, 4, 6):
        (tmp_path / f"00000001000000000000000{number}").touch()
    (tmp_path / "physical_backup").touch()

    found = coverage(tmp_path, Position.parse(1, "0/3000028"))
    assert sorted(path.name[-1] for path in found.segments.values()) == ["3", "4"]
    assert found.until is None
    assert coverage(tmp_path, Position.parse(1, "0/5000000")).missing == "000000010000000000000005"


def test_moments_that_no_archive_has_are_refused(tmp_path: Path) -> None:
    config = StackConfig(tmp_path / "data", None, None)
    run = tmp_path / "wal" / "kinship_wal_1"
    later = FINISHED + timedelta(hours=1)

    with pytest.raises(StackError, match="made without an archive"):
        covered(config, manifest_of(""), later)
    with pytest.raises(StackError, match=r"before the backup was finished, 2026-01-31T02:00:00Z"):
        covered(config, manifest_of(run), FINISHED - timedelta(seconds=1))
    with pytest.raises(StackError, match=r"kinship_wal_1 is not there\. Set KINSHIP_WAL_ARCHIVE"):
        covered(config, manifest_of(run), later)

    # What moved is looked for where the variable says.
    moved = tmp_path / "moved" / run.name
    moved.mkdir(parents=True)
    config = StackConfig(tmp_path / "data", None, None, wal_archive=moved.parent)
    with pytest.raises(StackError, match=rf"{moved} ends with the change of 2026-01-31T02:00:00Z"):
        covered(config, manifest_of(run), later)
    (moved / "000000010000000000000004").touch()
    with pytest.raises(StackError, match="lacks 000000010000000000000003, or it is damaged"):
        covered(config, manifest_of(run), later)


def test_a_physical_backup_goes_only_where_there_is_no_database(tmp_path: Path) -> None:
    config = StackConfig(tmp_path, None, None)
    check_target(config, manifest_of(""))

    with pytest.raises(StackError, match=r"files of PostgreSQL 99, and the embedded one is"):
        check_target(config, manifest_of("", postgres=990001))
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    with pytest.raises(StackError, match="replaces none"):
        check_target(config, manifest_of(""))
    external = StackConfig(tmp_path, "postgresql://db/shop", None)
    with pytest.raises(StackError, match="DATABASE_URL names another server"):
        check_target(external, manifest_of(""))
    with pytest.raises(StackError, match="DATABASE_URL names another server"):
        write_physical(Source(external, "key", {}), tmp_path / "b", lambda *_: None)


def test_the_newest_backups_and_the_log_after_them_are_kept(tmp_path: Path) -> None:
    run = tmp_path / "wal" / "kinship_wal_1"
    run.mkdir(parents=True)
    for number in range(1, 6):
        (run / f"00000001000000000000000{number}").write_text("log")
    backups = tmp_path / "backups"
    for day, start in ((1, "0/2000028"), (2, "0/3000028"), (3, "0/4000028")):
        backup = backups / f"kinship-2026010{day}T020000Z.physical"
        backup.mkdir(parents=True)
        manifest = manifest_of(run, start)
        (backup / "manifest.json").write_text(json.dumps(asdict(manifest)))
    (backups / "kinship-20260101T020000Z.backup").touch()
    (backups / "other").touch()

    pruned = prune(StackConfig(tmp_path, None, None), backups, 2, ".physical")

    assert [path.name[8:16] for path in pruned.backups] == ["20260101"]
    assert len(list(backups.iterdir())) == 4
    assert sorted(path.name[-1] for path in run.iterdir()) == ["3", "4", "5"]
    assert pruned.archived_bytes == 6


@pytest.mark.parametrize(
    ("slot", "words"),
    [
        (Slot("s", True, False, 1024, None), None),
        (Slot("s", True, False, 3 * 1024**3, None), "it is behind: 3,072 MB"),
        (Slot("s", False, False, 0, "noon"), "nothing is archived since noon"),
        (Slot("s", False, True, 0, "noon"), "it has a gap"),
    ],
)
def test_an_archive_that_is_late_is_told(slot: Slot, words: str | None) -> None:
    assert (lateness(slot) or "").startswith(words or "")
    assert (lateness(slot) is None) == (words is None)
    assert newest_run([]) is None
