"""A physical backup: the embedded server's files, indexes too, copied while it runs.

A directory: the manifest, the secret key, the settings, and pg_basebackup's copy. Restored, it is
as of its end or, with an archive of the log that goes on from it, as of any later moment.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from recommender import VERSION
from recommender.stack import archive
from recommender.stack.account import current, write_file
from recommender.stack.backup import (
    MANIFEST,
    MB,
    SECRET_KEY,
    SETTINGS,
    Progress,
    Source,
    estimate,
    reading_manifest,
)
from recommender.stack.client_programs import client_program
from recommender.stack.config import StackConfig, StackError, database_url
from recommender.stack.manifest import FORMAT, Manifest, Part, database_facts
from recommender.stack.wal import Position

SUFFIX = ".physical"
FILES = "database"
SERVERS_MANIFEST = f"{FILES}/backup_manifest"
_COPIED = re.compile(r"(\d+)/(\d+) kB")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalManifest(Manifest):
    """What a physical backup says of itself.

    Args:
        timeline, start: where in the log replaying begins.
        run: the directory of the archive that goes on from it; empty where there was none.
    """

    timeline: int
    start: str
    run: str

    @property
    def finished(self) -> datetime:
        """No earlier moment can be restored from it."""
        return datetime.fromisoformat(self.created)

    @property
    def position(self) -> Position:
        """Where in the log replaying begins."""
        return Position.parse(self.timeline, self.start)


@dataclass(frozen=True, slots=True)
class Pruned:
    """The backups that were removed, and how many bytes of the archive with them."""

    backups: Sequence[Path]
    archived_bytes: int


def write_physical(source: Source, target: Path, progress: Progress) -> PhysicalManifest:
    """Copy the embedded server's files into a new directory, readable for this user only.

    Raises:
        StackError: the database is an external one, or it or the disk refuses.
    """
    if source.config.database_url is not None:
        raise StackError(
            "A physical backup is of the embedded PostgreSQL's files, and DATABASE_URL names "
            "another server. Back it up without --physical, or with that server's own programs."
        )
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        try:
            partial.mkdir(mode=0o700)
            manifest = _write(source, partial, progress)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as exc:
        raise StackError(f"Cannot write {target}: {exc.strerror}. Name another place.") from exc
    if manifest.run:
        archive.note_backup(source.config, Path(manifest.run).name, target.name)
    return manifest


def _write(source: Source, directory: Path, progress: Progress) -> PhysicalManifest:
    config, url = source.config, database_url(source.config)
    facts = database_facts(url)
    run = archive.current_directory(config)
    options = ["--pgdata", str(directory / FILES), "--checkpoint", "fast", "--progress"]
    options += ["--wal-method", "stream", "--manifest-checksums", "SHA256"]

    def note(line: str) -> None:
        if found := _COPIED.search(line):
            done, total = (int(number) // 1024 for number in found.groups())
            progress("Copying the database, in MB", done, max(done, total, 1))

    progress("Copying the database, in MB", 0, max(estimate(config).database // MB, 1))
    with client_program("pg_basebackup", options, url, facts.postgres, note):
        pass
    finished = datetime.now(UTC)
    texts = {SECRET_KEY: source.secret_key, SETTINGS: json.dumps(dict(source.variables))}
    for name, text in texts.items():
        write_file(directory / name, text, current())
    servers_manifest = (directory / SERVERS_MANIFEST).read_bytes()
    (range_,) = json.loads(servers_manifest)["WAL-Ranges"]
    parts = {name: part_of(directory / name) for name in (*texts, SERVERS_MANIFEST)}
    manifest = PhysicalManifest(
        format=FORMAT,
        version=VERSION,
        created=finished.isoformat(),
        postgres=facts.postgres,
        pgvector=facts.pgvector,
        migrations=facts.migrations,
        database_bytes=sum(file.stat().st_size for file in files_of(directory / FILES)),
        parts=parts,
        timeline=range_["Timeline"],
        start=range_["Start-LSN"],
        run=str(run or ""),
    )
    write_file(directory / MANIFEST, json.dumps(asdict(manifest), indent=2), current())
    return manifest


def files_of(directory: Path) -> list[Path]:
    """Every file under a directory."""
    return [path for path in directory.rglob("*") if path.is_file()]


def part_of(file: Path) -> Part:
    """A file's size and checksum."""
    content = file.read_bytes()
    return Part(len(content), hashlib.sha256(content).hexdigest())


def read_physical(directory: Path) -> PhysicalManifest:
    """What a physical backup says of itself.

    Raises:
        StackError: it is none, is not whole, or is of a newer form.
    """
    with reading_manifest(directory):
        return PhysicalManifest.read((directory / MANIFEST).read_bytes())


def archive_of(config: StackConfig, manifest: PhysicalManifest) -> Path | None:
    """The directory whose log goes on from a backup; None where it was made without an archive."""
    if not manifest.run:
        return None
    recorded = Path(manifest.run)
    return config.wal_archive / recorded.name if config.wal_archive else recorded


def prune(config: StackConfig, directory: Path, keep: int, suffix: str) -> Pruned:
    """Remove the oldest backups that were named by the time, and the WAL that only they needed.

    Args:
        keep: so many of one kind remain.
        suffix: of which kind.

    Raises:
        StackError: one cannot be removed.
    """
    backups = sorted(directory.glob(f"kinship-*{suffix}"))
    old, kept = backups[:-keep], backups[-keep:]
    manifests = {path: read_physical(path) for path in backups} if suffix == SUFFIX else {}
    runs = {path: archive_of(config, manifest) for path, manifest in manifests.items()}
    try:
        for path in old:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        freed = sum(
            _prune_run(run, [manifests[path] for path in kept if runs[path] == run])
            for run in set(runs.values())
            if run is not None
        )
    except OSError as exc:
        raise StackError(f"Cannot remove {exc.filename}: {exc.strerror}.") from exc
    return Pruned(old, freed)


def _prune_run(run: Path, kept: Sequence[PhysicalManifest]) -> int:
    if not run.is_dir():
        return 0  # moved, or on a disk that is not mounted
    first = min((manifest.position.segment for manifest in kept), default=None)
    return archive.remove_before(run, first)
