"""Staging tables: what has been read of a file, safe from a killed import.

A table belongs to one command, catalog, file content and set of options, so that the same
command run again finds it and goes on after its last row. Unlogged: after a crash of the server
it is empty, and the file is read again.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.importing.row import RefusedError
from recommender.locks import SessionLock, session_lock

COMMIT_EVERY = 50_000

_PREFIX = "recommender_import_"
# A line of the file may make several rows.
_OWN_COLUMNS = {"row": "bigint PRIMARY KEY", "line": "bigint", "reason": "text", "raw": "text"}
LOCK_WAIT = "10s"  # a server needs a moment to notice that a killed import is gone

_ABANDONED = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_table_is_visible(oid) AND CASE
    WHEN relname ~ %s
    THEN obj_description(oid, 'pg_class')::timestamptz < now() - interval '7 days' END
"""


@dataclass(frozen=True, slots=True)
class Staging:
    """A staging table.

    Attributes:
        name: of the table; made from what the import is.
        columns: SQL type by name, beside row, line, reason and raw.
        temporary: it is for this session only, and takes nothing over from another.
    """

    name: str
    columns: Mapping[str, str]
    temporary: bool = False

    @property
    def table(self) -> sql.Identifier:
        """The table's name in a statement."""
        return sql.Identifier(self.name)

    @property
    def keyed(self) -> sql.Identifier:
        """The name of a second table, for what is made of the first."""
        return sql.Identifier(f"{self.name}_keyed")

    @property
    def kind(self) -> sql.SQL:
        """How its tables are made: CREATE … TABLE."""
        return sql.SQL("TEMPORARY") if self.temporary else sql.SQL("UNLOGGED")

    def last_row(self) -> int:
        """The number of the last row that is here; 0 where none is."""
        query = sql.SQL("SELECT COALESCE(max(row), 0) FROM {}").format(self.table)
        return int(database.fetch(query)[0][0])

    def fill(self, rows: Iterator[Sequence[object]]) -> None:
        """Add rows of row, line, the columns, reason and raw; what is committed survives."""
        names = sql.SQL(", ").join(
            map(sql.Identifier, ["row", "line", *self.columns, "reason", "raw"])
        )
        copy = sql.SQL("COPY {} ({}) FROM STDIN").format(self.table, names)
        written = COMMIT_EVERY
        while written == COMMIT_EVERY:
            written = 0
            with transaction.atomic(), database.copy(copy) as stream:
                for row in islice(rows, COMMIT_EVERY):
                    stream.write_row(row)
                    written += 1
        database.execute(sql.SQL("ANALYZE {}").format(self.table))

    def reject(self, rows: Iterable[int], reason: str) -> None:
        """Mark rows as rejected after all."""
        statement = sql.SQL("UPDATE {} SET reason = %s WHERE row = ANY(%s::bigint[])")
        database.execute(statement.format(self.table), (reason, list(rows)))

    def reasons(self) -> Counter[str]:
        """How many rows are rejected for each reason."""
        query = sql.SQL(
            "SELECT reason, count(*) FROM {} WHERE reason IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        return Counter(dict(database.fetch(query.format(self.table))))

    def good_rows(self) -> int:
        """How many rows are not rejected."""
        query = sql.SQL("SELECT count(*) FROM {} WHERE reason IS NULL").format(self.table)
        return int(database.fetch(query)[0][0])

    def drop(self) -> None:
        """Remove it: the import is done."""
        statement = sql.SQL("DROP TABLE IF EXISTS {}, {}")
        database.execute(statement.format(self.table, self.keyed))


def name_of(path: Path, *identity: object) -> str:
    """The table's name for a file's content and whatever else makes an import what it is."""
    with path.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return _PREFIX + hashlib.sha256(repr((content, identity)).encode()).hexdigest()[:32]


@contextmanager
def opened(staging: Staging) -> Iterator[SessionLock]:
    """Make the table if it is missing, and hold it against a second import of the same.

    Raises:
        RefusedError: another import holds it.
    """
    _drop_abandoned()
    name = f"the import {staging.name}"
    with session_lock(name, _lock_key(staging.name), wait=LOCK_WAIT) as lock:
        if lock is None:
            raise RefusedError(
                "The same import is running already. Wait until it is done, or stop it."
            )
        _create(staging)
        yield lock


def _create(staging: Staging) -> None:
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind))
        for name, kind in (_OWN_COLUMNS | dict(staging.columns)).items()
    )
    create = sql.SQL("CREATE {} TABLE IF NOT EXISTS {} ({})")
    comment = sql.SQL("COMMENT ON TABLE {} IS {}")
    with transaction.atomic():
        database.execute(create.format(staging.kind, staging.table, columns))
        now = database.fetch("SELECT now()::text")[0][0]
        database.execute(comment.format(staging.table, sql.Literal(now)))


def _lock_key(name: str) -> int:
    return int.from_bytes(bytes.fromhex(name.removeprefix(_PREFIX))[:8], signed=True)


def _drop_abandoned() -> None:
    """Remove the tables of imports that were killed and, for a week, not run again."""
    for (name,) in database.fetch(_ABANDONED, (f"^{_PREFIX}[0-9a-f]{{32}}$",)):
        with transaction.atomic():
            lock = "SELECT pg_try_advisory_xact_lock(%s)"
            if database.fetch(lock, (_lock_key(name),))[0][0]:
                Staging(name, {}).drop()


_ROWS = sql.SQL(r"""
COPY (
    SELECT line, reason,
        CASE WHEN raw ~ '^[=+@\uFF1D\uFF0B\uFF0D\uFF20\t\r\n-]' THEN '''' || raw ELSE raw END AS row
    FROM {} s WHERE reason IS NOT NULL ORDER BY s.row
) TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8')
""")


def default_rejects_path(data_dir: Path, *names: str) -> Path:
    """A new file's path under the data directory, named by catalog, kind and file."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return data_dir / "rejects" / f"{'-'.join([*names, moment])}.csv"


def check_rejects_path(path: Path, source: Path) -> None:
    """Check, before anything is read, that the file can be written.

    Raises:
        RefusedError: it cannot, or it is the imported file itself.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.samefile(source):
            raise RefusedError(f"--rejects {path} is the imported file. Give another path.")
        _partial(path).touch()
        _partial(path).unlink()
    except OSError as exc:
        raise RefusedError(
            f"The rejects cannot be written to {path}: {exc.strerror}. Give another --rejects."
        ) from exc


def write_rejects(path: Path, staging: Staging) -> None:
    """Write line number, reason and row of all that is rejected; whole or not at all.

    For this account's eyes only: rows hold what users did. A row that a spreadsheet would
    calculate, as `=HYPERLINK(…)` or the same with the wide signs of East Asia, has an apostrophe
    before it.
    """
    partial = _partial(path)
    partial.unlink(missing_ok=True)
    with (
        os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        database.copy(_ROWS.format(staging.table)) as stream,
    ):
        for piece in stream:
            file.write(piece)
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
