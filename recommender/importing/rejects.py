"""The file of rejected rows."""

from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql

from recommender import database
from recommender.importing.errors import RefusedError
from recommender.importing.staging import Staging

_ROWS = sql.SQL("""
COPY (SELECT line, reason, raw AS row FROM {} WHERE reason IS NOT NULL ORDER BY line)
TO STDOUT WITH (FORMAT csv, HEADER, ENCODING 'UTF8')
""")


def default_path(data_dir: Path, *names: str) -> Path:
    """A new file's path under the data directory, named by catalogue, kind and file."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    return data_dir / "rejects" / f"{'-'.join([*names, moment])}.csv"


def check(path: Path, source: Path) -> None:
    """Check, before anything is read, that the file can be written.

    Raises:
        RefusedError: it cannot, or it is the imported file itself.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.samefile(source):
            raise RefusedError(f"--rejects {path} is the imported file. Give another path.")
        _partial(path).touch()
        _partial(path).unlink()
    except OSError as exc:
        raise RefusedError(
            f"The rejects cannot be written to {path}: {exc.strerror}. Give another --rejects."
        ) from exc


def write(path: Path, staging: Staging) -> None:
    """Write line number, reason and row of all that is rejected; whole or not at all."""
    partial = _partial(path)
    with partial.open("wb") as file, database.copy(_ROWS.format(staging.table)) as stream:
        for piece in stream:
            file.write(piece)
    partial.replace(path)


def _partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")
