"""A backup: one ZIP file with the database, the secret key, the settings and a manifest.

The database is in pg_dump's custom format, of one snapshot while everything runs. The manifest is
written last and the file is renamed when it is whole, so half a backup is never taken for one.
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import psycopg

from recommender import VERSION
from recommender.stack.client_programs import client_program
from recommender.stack.config import StackConfig, StackError, database_url
from recommender.stack.external import connect
from recommender.stack.manifest import FORMAT, Manifest, NewerFormatError, Part, database_facts

MANIFEST, DATABASE = "manifest.json", "database.dump"
SECRET_KEY, SETTINGS = "secret_key", "settings.json"
SUFFIX = ".backup"
MB = 1024**2

# What is done now, and how many of its parts are done, of how many; 0 where nobody knows.
Progress = Callable[[str, int, int], None]

_TABLES = """
    SELECT n.nspname || '.' || c.relname, pg_table_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_DUMPED = re.compile(r'dumping contents of table "(.+)"')


@dataclass(frozen=True, slots=True)
class Source:
    """What a backup is made of."""

    config: StackConfig
    secret_key: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """How large a database is, in bytes: with its indexes, and each table without."""

    database: int
    tables: Mapping[str, int]

    @property
    def most(self) -> int:
        """Bytes that a backup has at most; text is compressed to a fraction."""
        return sum(self.tables.values())


def estimate(config: StackConfig) -> Estimate:
    """How large the database is.

    Raises:
        StackError: it cannot be reached.
    """
    with connect(database_url(config)) as link:
        (size,) = link.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        tables = link.execute(_TABLES).fetchall()
    return Estimate(int(size or 0), {str(name): int(bytes_ or 0) for name, bytes_ in tables})


def target_file(path: Path, now: datetime, suffix: str = SUFFIX) -> Path:
    """The file that a backup goes to: the path itself, or one named by the time in a directory.

    Raises:
        StackError: it is there already, its directory is not, or nothing may be written there.
    """
    try:
        target = path / f"kinship-{now:%Y%m%dT%H%M%SZ}{suffix}" if path.is_dir() else path
        has_directory, is_taken = target.parent.is_dir(), target.exists()
    except OSError as exc:
        raise StackError(_why_not_written(exc, path)) from exc
    if not has_directory:
        raise StackError(f"There is no directory {target.parent}. Make it, or name another file.")
    if is_taken:
        raise StackError(
            f"{target} is there already, and a backup overwrites nothing. Name another file, or "
            "a directory, in which each backup gets a name of its own."
        )
    return target


def write_backup(source: Source, target: Path, progress: Progress) -> Manifest:
    """Write a backup, readable for this user only.

    Raises:
        StackError: the database or the disk refuses, or pg_dump is missing or too old.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                manifest = _write(source, file, progress)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise StackError(_why_not_written(exc, target)) from exc
    except psycopg.Error as exc:
        raise StackError(f"The database cannot be read: {str(exc).strip()}") from exc
    return manifest


def _why_not_written(error: OSError, target: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk of {target.parent} is full; the unfinished backup is removed. Free some "
            "space or name a place on another disk. The option --dry-run says how much "
            "is needed at most."
        )
    return f"Cannot write {target}: {error.strerror}. Name another file."


def _write(source: Source, file: IO[bytes], progress: Progress) -> Manifest:
    url = database_url(source.config)
    sizes = estimate(source.config)
    facts = database_facts(url)
    parts: dict[str, Part] = {}
    with ZipFile(file, "w") as archive:
        with _dumping(url, facts.postgres, sizes, progress) as dump:
            parts[DATABASE] = _add(archive, DATABASE, dump)
        texts = {SECRET_KEY: source.secret_key, SETTINGS: json.dumps(dict(source.variables))}
        for name, text in texts.items():
            parts[name] = _add(archive, name, iter([text.encode()]))
        manifest = Manifest(
            format=FORMAT,
            version=VERSION,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            postgres=facts.postgres,
            pgvector=facts.pgvector,
            migrations=facts.migrations,
            database_bytes=sizes.most,
            parts=parts,
        )
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))
    return manifest


def _add(archive: ZipFile, name: str, chunks: Iterator[bytes]) -> Part:
    size, digest = 0, hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return Part(size, digest.hexdigest())


@contextmanager
def _dumping(url: str, server: int, sizes: Estimate, tell: Progress) -> Iterator[Iterator[bytes]]:
    """Run pg_dump; what it writes. Ends it where the reader fails."""
    through, current, written = 0, 0, 0  # bytes of whole tables, of the one at work, of its dump
    total = max(sizes.most // MB, 1)

    def note(line: str) -> None:
        nonlocal through, current, written
        if found := _DUMPED.search(line):
            through, current, written = through + current, sizes.tables.get(found[1], 0), 0

    def chunks(output: IO[bytes]) -> Iterator[bytes]:
        nonlocal written
        while chunk := output.read(MB):
            written += len(chunk)
            done = (through + min(current, written)) // MB
            tell("Backing up the tables, in MB", done, total)
            yield chunk

    # gzip's quickest level: every pg_restore reads it, and vectors hardly shrink.
    options = ["--format=custom", "--compress=gzip:1", "--no-owner", "--no-privileges", "--verbose"]
    # Claims of workers, and what lists have shown of late: of no use after a crash, nor here.
    options.append("--no-unlogged-table-data")
    with client_program("pg_dump", options, url, server, note) as process:
        if process.stdout is not None:
            yield chunks(process.stdout)


def read_manifest(file: Path) -> Manifest:
    """What a backup says of itself.

    Raises:
        StackError: it is none, is not whole, or is of a newer form.
    """
    with reading_manifest(file), ZipFile(file) as archive:
        return Manifest.read(archive.read(MANIFEST))


@contextmanager
def reading_manifest(backup: Path) -> Iterator[None]:
    """Say of a backup that it is none, is not whole, or is of a newer form (StackError)."""
    try:
        yield
    except NewerFormatError as exc:
        raise StackError(
            f"{backup} was made by a newer Kinship, in a form that {VERSION} does not know. "
            "Restore it with the Kinship that made it. Nothing has been touched."
        ) from exc
    except OSError as exc:
        raise StackError(f"Cannot read {exc.filename or backup}: {exc.strerror}.") from exc
    except (BadZipFile, KeyError, TypeError, ValueError, AttributeError) as exc:
        raise StackError(
            f"{backup} is no whole backup of Kinship: it was cut off, changed, or is something "
            "else. Restore another one. Nothing has been touched."
        ) from exc


def check_parts(file: Path, manifest: Manifest, progress: Progress) -> None:
    """Read every part and compare its checksum with the manifest's.

    Raises:
        StackError: one is missing or damaged.
    """
    done, total = 0, max(sum(part.size for part in manifest.parts.values()) // MB, 1)
    for name in {DATABASE, SECRET_KEY, SETTINGS, *manifest.parts}:
        digest = hashlib.sha256()
        try:
            for chunk in read_part(file, name):
                digest.update(chunk)
                done += len(chunk)
                progress("Checking the backup, in MB", done // MB, total)
            is_whole = manifest.parts[name].sha256 == digest.hexdigest()
        except (BadZipFile, KeyError, EOFError):
            is_whole = False
        if not is_whole:
            raise StackError(
                f"{file} is damaged: its {name} is not what was backed up. Restore another backup. "
                "Nothing has been touched."
            )


def read_part(file: Path, name: str) -> Iterator[bytes]:
    """A part's bytes, a piece at a time."""
    with ZipFile(file) as archive, archive.open(name) as member:
        while chunk := member.read(MB):
            yield chunk
