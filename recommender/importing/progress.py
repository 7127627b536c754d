"""Showing how far an import is, on stderr, and what would help where rows are rejected."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from recommender.importing.row import Values
from recommender.importing.source import Source
from recommender.importing.staging import Staging

LINE_EVERY = 10.0  # seconds, where there is no terminal to draw on
_TELL_EVERY = 1.0  # seconds, who watches

# Told what is done now, and the share of the file that is read, from 0 to 1.
Watch = Callable[[str, float], None]


class Progress:
    """A bar on a terminal; elsewhere a line now and then."""

    def __init__(self, size: int, watch: Watch | None = None) -> None:
        """`size`: of the file, in bytes."""
        self._size = size
        self._watch, self._next_told = watch, 0.0
        self._console = Console(stderr=True)
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("reading", total=size)
        self._next_line = time.monotonic() + LINE_EVERY

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def reading(self, position: int, rows: int) -> None:
        """`rows` rows were read, up to a position in the file."""
        self._bar.update(self._task, completed=position, description=f"{rows:,} rows read")
        share = position / self._size if self._size else 1.0
        self._line(f"{rows:,} rows read ({share:.0%})")
        if time.monotonic() >= self._next_told:
            self._tell(f"{rows:,} rows read", share)

    def say(self, activity: str) -> None:
        """The file is read; what is done now."""
        self._bar.update(self._task, completed=self._size, description=activity)
        self._line(activity)
        self._tell(activity, 1.0)

    def _tell(self, activity: str, share: float) -> None:
        if self._watch is not None:
            self._watch(activity, share)
            self._next_told = time.monotonic() + _TELL_EVERY

    def _line(self, text: str) -> None:
        if self._console.is_terminal or time.monotonic() < self._next_line:
            return
        self._console.print(text, highlight=False)
        self._next_line = time.monotonic() + LINE_EVERY


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What came of an import's rows.

    Attributes:
        counts: by what they count, in the order to show.
        notes: sentences on them.
        withheld: what was not done and why; empty where all was.
    """

    counts: Mapping[str, int]
    notes: tuple[str, ...] = ()
    withheld: str = ""

    def then(self, later: "Outcomes") -> "Outcomes":
        """These, and what came after."""
        counts = {**self.counts, **later.counts}
        return Outcomes(counts, self.notes + later.notes, self.withheld or later.withheld)


class Intake(Protocol):
    """Makes rows into staged rows, and staged rows into products or events.

    Attributes:
        source: the file.
        notices: what was found out about the file that a person should know.
        mapped: the columns of the file that each field is read from.
        columns: SQL type by name of what is staged.
        may_reject_later: whether the merge rejects rows, so that every row's text is staged.
    """

    source: Source
    notices: Sequence[str]
    mapped: Mapping[str, Sequence[str]]
    columns: Mapping[str, str]
    may_reject_later: bool

    def convert(self, row: Values) -> Sequence[object]:
        """The row's values for `columns`.

        Raises:
            BadRowError: it is no such thing.
            LeftOutError: the file's format does not want it.
        """

    def salvaged(self, row: Values) -> Sequence[object]:
        """What is kept of a row that is rejected, for `columns`."""

    def begin(self, staging: Staging) -> None:
        """Before rows are read: take up what an earlier, killed run has left in the table."""

    def merge(self, staging: Staging, progress: Progress) -> Outcomes:
        """Write what is staged to the catalog; how many rows came to what."""

    def preview(self, staging: Staging) -> Outcomes:
        """How many rows would come to what; writes nothing."""


_REASONS_SHOWN, _VALUE_SHOWN = 3, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counts of one import.

    Attributes:
        rows: read from the file.
        left_out: of them, rows that are not wanted, by the reason.
        outcomes: what came of the others.
        rejected: of them, rows by the reason why they were rejected.
        rejects: the file they are in; None where there are none or it was not asked for.
        first: the first value that was rejected for a reason, by the reason.
        seconds: it took.
    """

    rows: int
    left_out: Mapping[str, int]
    outcomes: Outcomes
    rejected: Mapping[str, int]
    rejects: Path | None
    first: Mapping[str, str]
    seconds: float

    @property
    def is_all_rejected(self) -> bool:
        """Whether there were rows, and none of them could be taken."""
        return 0 < self.rows - sum(self.left_out.values()) == sum(self.rejected.values())

    @property
    def counts(self) -> list[tuple[str, int]]:
        """What the rows came to: words and number, in the order to show."""
        counts = {
            **self.outcomes.counts,
            **self.left_out,
            "rows rejected": sum(self.rejected.values()),
            **self.rejected,
        }
        return list(counts.items())

    @property
    def failure(self) -> str:
        """What was not done of what was asked for, and what would help; empty where all was."""
        return self._refusal() if self.is_all_rejected else self.outcomes.withheld

    def _refusal(self) -> str:
        """Why nothing came in, by the most frequent reasons, with what would help."""
        lines = [f"None of the {sum(self.rejected.values()):,} rows could be taken:"]
        for reason in list(self.rejected)[:_REASONS_SHOWN]:
            value = self.first.get(reason, "")
            help_text = advice(reason, value)
            shown = f": {value[:_VALUE_SHOWN]!r}" if value else ""
            lines.append(f"  {reason}{shown}{'; ' if help_text else ''}{help_text}")
        return "\n".join(lines)

    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        pace = self.rows / max(self.seconds, 0.001)
        yield f"{self.rows:,} rows read in {self.seconds:.1f} s ({pace:,.0f} rows/s)"
        for outcome, count in self.outcomes.counts.items():
            yield _counted(count, outcome)
        for reason, count in self.left_out.items():
            yield _counted(count, reason if reason.startswith("rows") else f"{reason} left out")
        yield _counted(sum(self.rejected.values()), "rows rejected")
        for reason, count in self.rejected.items():
            yield _counted(count, f"  {reason}")
        if self.rejects:
            yield f"The rejected rows are in {self.rejects}"
        yield from self.outcomes.notes


def _counted(count: int, what: str) -> str:
    return f"{count:>12,}  {what}"


# In the order in which they are tried; a value that several fit is shown all of them.
_TIME_FORMATS = (
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d-%m-%Y"),
    *("%m/%d/%Y %I:%M %p", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%Y/%m/%d"),
)
# What helps, by the pattern of the reason; a group stands for the field.
_BY_REASON = (
    (re.compile(r"(\w+) is missing"), "say which column has it: --map {0}=COLUMN"),
    (re.compile(r"(\w+) is not a number"), "say its decimal mark: --decimal , or --decimal ."),
    (re.compile("unknown product"), "import the products first: ./kinship import_products FILE"),
    (
        re.compile("type is not one of"),
        "say what it stands for: --types WORD=purchase, or WORD= to leave such rows out; or "
        "add the type on the catalog's page in the admin",
    ),
    (re.compile("not UTF-8"), "say the file's encoding, such as --encoding windows-1252"),
)


def advice(reason: str, value: str) -> str:
    """What to try for a reason and the first value that has it; empty where nothing is known."""
    if reason.endswith(" is not a time"):
        fitting = [form for form in _TIME_FORMATS if _reads(form, value)]
        return " or ".join(f"try --time-format {form!r}" for form in fitting)
    for pattern, text in _BY_REASON:
        if match := pattern.match(reason):
            return text.format(*match.groups())
    return ""


def _reads(form: str, value: str) -> bool:
    try:
        datetime.strptime(value.strip(), form)  # noqa: DTZ007 - only whether it can
    except ValueError:
        return False
    return True
