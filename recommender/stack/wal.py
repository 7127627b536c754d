"""The files of a write-ahead log (WAL) in an archive: their names, and what they cover."""

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from recommender.stack.account import postgres_program

SEGMENT_BYTES = 16 * 1024**2
SEGMENT = re.compile(r"[0-9A-F]{24}(\.partial)?")
_SEGMENTS_OF_A_LOG = 2**32 // SEGMENT_BYTES


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A byte of the log of one timeline, counted from the log's beginning."""

    timeline: int
    byte: int

    @classmethod
    def parse(cls, timeline: int, lsn: str) -> "Position":
        """Read PostgreSQL's writing of it, such as 0/2000028."""
        log, _, offset = lsn.partition("/")
        return cls(timeline, (int(log, 16) << 32) + int(offset, 16))

    @property
    def lsn(self) -> str:
        """PostgreSQL's writing of it."""
        return f"{self.byte >> 32:X}/{self.byte & 0xFFFFFFFF:X}"

    @property
    def segment(self) -> str:
        """The name of the file that has it."""
        log, number = divmod(self.byte // SEGMENT_BYTES, _SEGMENTS_OF_A_LOG)
        return f"{self.timeline:08X}{log:08X}{number:08X}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an archive has without a gap from a position on.

    Args:
        segments: files by the names under which the server reads them.
        until: when the last transaction in it was committed; None where it has none.
        missing: the first segment that is not there, or damaged, though later ones are.
    """

    segments: dict[str, Path]
    until: datetime | None
    missing: str | None


def coverage(run: Path, start: Position) -> Coverage:
    """Read what a run's directory has from a position on."""
    present = {
        path.name.removesuffix(".partial"): path
        for path in sorted(run.iterdir(), reverse=True)  # a whole one counts before its partial
        if SEGMENT.fullmatch(path.name)
    }
    segments: dict[str, Path] = {}
    place = start
    while place.segment in present:
        segments[place.segment] = present[place.segment]
        place = Position(place.timeline, place.byte + SEGMENT_BYTES)
    until, ended = _read_commits(segments, start) if segments else (None, None)
    if ended is not None and ended.segment < max(segments):
        place = ended
    missing = place.segment if place.segment < max(present, default="") else None
    return Coverage(segments, until, missing)


_COMMIT = re.compile(rb"COMMIT(?: PREPARED)? [^;]*?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
_ENDED = re.compile(r"at ([0-9A-F]+/[0-9A-F]+)")


def _read_commits(
    segments: dict[str, Path], start: Position
) -> tuple[datetime | None, Position | None]:
    """When the last transaction in these was committed, and from where on nothing can be read.

    The latter is None where the last of them ends in the midst of a record.
    """
    program = str(postgres_program("pg_waldump"))
    with TemporaryDirectory(prefix="kinship-") as directory:
        for name, path in segments.items():
            (Path(directory) / name).symlink_to(path.resolve())
        options = ["--path", directory, "--timeline", str(start.timeline), "--start", start.lsn]
        last: datetime | None = None
        # S603: PostgreSQL's own program, no shell
        with subprocess.Popen(  # noqa: S603
            [program, *options, "--rmgr", "Transaction"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"LANG": "C.UTF-8", "TZ": "UTC"},
        ) as process:
            for line in process.stdout or ():
                if found := _COMMIT.search(line):
                    at = datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC)
                    last = max(last or at, at)
            said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    damage = _ENDED.search(said)
    return last, Position.parse(start.timeline, damage[1]) if damage else None
