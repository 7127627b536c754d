"""The table for people, for a page and for programs."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console

from benchmarks.chaos.faults import Fault
from benchmarks.chaos.trial import Trial

_HEADER = (
    *("test", "times", "acknowledged", "lost", "doubled", "paid twice"),
    *("answers again in, s", "writes again in, s", "embeds again in, s", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run.

    Attributes:
        skipped: by fault, why it could not be done here.
        problems: what was wrong besides the trials, such as processes left after `down`.
    """

    seed: int
    trials: list[Trial] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all is as it must be."""
        return all(trial.passed for trial in self.trials) and not self.problems


def show(report: Report, faults: Sequence[Fault], console: Console) -> None:
    """Print the table as Markdown, then all that was wrong."""
    lines = [_HEADER, ["---"] * len(_HEADER), *(_row(report, fault) for fault in faults)]
    memory = psutil.virtual_memory().total / 1024**3
    parts = [
        "\n".join(f"| {' | '.join(line)} |" for line in lines),
        f"Seconds: median, and the longest. Seed {report.seed}; {os.cpu_count()} cores and "
        f"{memory:.0f} GB for all of it.",
        *(f"{name} is skipped: {reason}." for name, reason in report.skipped.items()),
        *(f"{t.fault}: {problem}" for t in report.trials for problem in t.problems),
        *report.problems,
    ]
    for part in parts:
        console.print(part, markup=False, highlight=False, soft_wrap=True)


def write(report: Report, path: Path) -> None:
    """Write every trial as JSON."""
    document = asdict(report) | {"passed": report.passed}
    path.write_text(json.dumps(document, indent=2) + "\n")


def _row(report: Report, fault: Fault) -> Sequence[str]:
    trials = [trial for trial in report.trials if trial.fault == fault.name]
    if not trials:
        return (fault.what, "0", *[""] * 7, "skipped")
    return (
        fault.what,
        str(len(trials)),
        f"{sum(trial.acknowledged for trial in trials):,}",
        str(sum(trial.lost for trial in trials)),
        str(sum(trial.doubled for trial in trials)),
        str(sum(trial.paid_twice for trial in trials)),
        _times([trial.answered for trial in trials]),
        _times([trial.written for trial in trials]),
        _times([trial.embedded for trial in trials]),
        "" if all(trial.passed for trial in trials) else "FAILED",
    )


def _times(seconds: Sequence[float | None]) -> str:
    """The median and the longest; those that never came are the longest of all."""
    known = [float("inf") if second is None else second for second in seconds]
    return f"{median(known):.1f}, {max(known):.1f}".replace("inf", "never")
