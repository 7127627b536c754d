"""What an import did, for a person to read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The counts of one import.

    Attributes:
        rows: read from the file.
        left_out: of them, rows that --where did not want.
        outcomes: what came of the others, in the order to show.
        rejected: of them, rows by the reason why they were rejected.
        rejects: the file they are in; None where there are none or it was not asked for.
        seconds: it took.
    """

    rows: int
    left_out: int
    outcomes: Mapping[str, int]
    rejected: Mapping[str, int]
    rejects: Path | None
    seconds: float

    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        pace = self.rows / max(self.seconds, 0.001)
        yield f"{self.rows:,} rows read in {self.seconds:.1f} s ({pace:,.0f} rows/s)"
        for outcome, count in self.outcomes.items():
            yield _counted(count, outcome)
        yield _counted(self.left_out, "rows left out by --where")
        yield _counted(sum(self.rejected.values()), "rows rejected")
        for reason, count in self.rejected.items():
            yield _counted(count, f"  {reason}")
        if self.rejects:
            yield f"The rejected rows are in {self.rejects}"


def _counted(count: int, what: str) -> str:
    return f"{count:>12,}  {what}"
