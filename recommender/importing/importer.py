"""One import: read, judge, stage, merge, and account for every row."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from recommender.importing import conditions
from recommender.importing import staging as staging_tables
from recommender.importing.conditions import Condition
from recommender.importing.formats import LeftOutError
from recommender.importing.progress import Intake, Progress, Summary, Watch
from recommender.importing.row import BadRowError, Row
from recommender.importing.staging import Staging, check_rejects_path, write_rejects

_SHOW_EVERY = 1_000  # rows
# More would be a list that nobody reads.
_MOST_REASONS = 20

StagedRow = Sequence[object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What is imported, and how.

    Attributes:
        identity: what, beside the file's content, makes this import this one and no other.
        rejects: where rejected rows go; None keeps no file.
        dry_run: count only; nothing is written but `rejects`.
    """

    intake: Intake
    where: Sequence[Condition]
    identity: Sequence[object]
    rejects: Path | None
    dry_run: bool


def run(wanted: Import, watch: Watch | None = None) -> Summary:
    """Import a file. Killed at any time and run again, it goes on where it was.

    Args:
        watch: told how far it is, now and then.

    Raises:
        RefusedError: the file is damaged, or the same import runs already.
    """
    started = time.monotonic()
    path, intake = wanted.intake.source.path, wanted.intake
    if wanted.rejects:
        check_rejects_path(wanted.rejects, path)
    identity = (*wanted.identity, *intake.columns.items(), wanted.dry_run)
    staging = Staging(
        staging_tables.name_of(path, identity), intake.columns, temporary=wanted.dry_run
    )
    with staging_tables.opened(staging) as lock, Progress(path.stat().st_size, watch) as progress:
        reader = _Reader(wanted, progress)
        intake.begin(staging)
        with path.open("rb") as file:
            reader.read(file, staging)
        lock.check()
        outcomes = intake.preview(staging) if wanted.dry_run else intake.merge(staging, progress)
        rejected = staging.reasons()
        if wanted.rejects and rejected:
            write_rejects(wanted.rejects, staging)
        elif wanted.rejects:
            # What an earlier import left there would be taken for this one's.
            wanted.rejects.unlink(missing_ok=True)
        lock.check()
        staging.drop()
    return Summary(
        rows=reader.rows,
        left_out=reader.left_out,
        outcomes=outcomes,
        rejected=rejected,
        rejects=wanted.rejects if rejected else None,
        first=reader.first,
        seconds=time.monotonic() - started,
    )


class _Reader:
    """Reads the file into the staging table, and counts."""

    def __init__(self, wanted: Import, progress: Progress) -> None:
        self._wanted = wanted
        self._progress = progress
        self.rows = 0
        self.left_out: Counter[str] = Counter()  # rows by why they are not wanted
        self.first: dict[str, str] = {}  # the first value by the reason why it was rejected

    def read(self, file: BinaryIO, staging: Staging) -> None:
        """Stage what is not staged yet."""
        staging.fill(self._staged(file, staging.last_row()))

    def _staged(self, file: BinaryIO, last_row: int) -> Iterator[StagedRow]:
        for row in self._wanted.intake.source.rows(file):
            self.rows += 1
            if self.rows % _SHOW_EVERY == 0:
                self._progress.reading(file.tell(), self.rows)
            try:
                self._check_wanted(row)
                good = self._good(row)
                if self.rows > last_row:
                    yield good
            except LeftOutError as exc:
                self.left_out[str(exc)] += 1
            except BadRowError as exc:
                if len(self.first) < _MOST_REASONS:
                    self.first.setdefault(str(exc), exc.value)
                if self.rows > last_row:
                    kept = self._wanted.intake.salvaged(row.values)
                    yield [self.rows, row.line, *kept, str(exc), _storable(row.raw)]

    def _check_wanted(self, row: Row) -> None:
        if row.problem:
            raise BadRowError(row.problem)
        if not conditions.hold(self._wanted.where, row.values):
            raise LeftOutError("rows left out by --where")

    def _good(self, row: Row) -> StagedRow:
        intake = self._wanted.intake
        raw = _storable(row.raw) if intake.may_reject_later else None
        return [self.rows, row.line, *intake.convert(row.values), None, raw]


def _storable(raw: str) -> str:
    """PostgreSQL keeps no NUL in a text: show it."""
    return raw.replace("\x00", "\N{SYMBOL FOR NULL}")
