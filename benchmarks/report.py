"""The figures for people, for a page and for programs."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.embedding import Measured
from benchmarks.figures import Figure, Target
from benchmarks.options import Options

_FIGURES = ("served", "requests/s", "p50 ms", "p99 ms", "CPU ms", "recall@20", "rows")
_MEASURED = ("measured", "value", "unit")
_TARGETS = ("target", "wanted", "measured", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run.

    Attributes:
        loading: seconds of each step that made the data; empty where they were there.
        index: what activation measured of the index: ef_search and recall.
        measured: of embedding.
    """

    options: Options
    loading: Mapping[str, float] = field(default_factory=dict)
    index: Mapping[str, float] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    measured: Sequence[Measured] = ()
    targets: Sequence[Target]


def show(report: Report, console: Console) -> None:
    """Print tables, then the same as Markdown."""
    for title, header, rows in _tables(report):
        table = Table(*header, title=title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print(markdown(report), markup=False, highlight=False, soft_wrap=True)


def markdown(report: Report) -> str:
    """All tables as Markdown."""
    parts = [_conditions(report)]
    for _, header, rows in _tables(report):
        lines = [header, ["---"] * len(header), *rows]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(parts)


def write(report: Report, path: Path) -> None:
    """Write all figures as JSON."""
    document = {
        "options": asdict(report.options),
        "loading": report.loading,
        "index": report.index,
        "figures": [asdict(figure) for figure in report.figures],
        "measured": [asdict(measurement) for measurement in report.measured],
        "targets": [asdict(target) | {"reached": target.reached} for target in report.targets],
    }
    path.write_text(json.dumps(document, indent=2, default=str) + "\n")


def _tables(report: Report) -> list[tuple[str, Sequence[str], list[Sequence[str]]]]:
    loading = [(step, f"{seconds:.1f}") for step, seconds in report.loading.items()]
    tables: list[tuple[str, Sequence[str], list[Sequence[str]]]] = [
        ("Load", _FIGURES, [_figure(figure) for figure in report.figures]),
        ("Embedding", _MEASURED, [_measured(measurement) for measurement in report.measured]),
        ("Targets", _TARGETS, [_target(target) for target in report.targets]),
        ("Making the data", ("step", "seconds"), [*loading]),
    ]
    return [table for table in tables if table[2]]


def _conditions(report: Report) -> str:
    options = report.options
    memory = psutil.virtual_memory().total / 1024**3
    machine = f"{os.cpu_count()} cores and {memory:.0f} GB for all of it."
    if report.measured:
        return f"{options.products:,} products, median of {options.rounds} rounds; {machine}"
    return (
        f"{options.products:,} products × {options.dimension} dimensions, {options.users:,} users, "
        f"{options.connections} connections, median of {options.rounds} rounds of "
        f"{options.seconds:g} s; {machine} "
        f"Index: ef_search {report.index['ef_search']:.0f}, measured recall "
        f"{report.index['recall']:.3f}."
    )


def _measured(measured: Measured) -> Sequence[str]:
    return (measured.name, f"{measured.value:,.6g}", measured.unit)


def _figure(figure: Figure) -> Sequence[str]:
    return (
        figure.name,
        f"{figure.per_second:,.0f}",
        f"{figure.p50:.1f}",
        f"{figure.p99:.1f}",
        "" if figure.processor is None else f"{figure.processor:.2f}",
        "" if figure.recall is None else f"{figure.recall:.3f}",
        "" if figure.fewest is None else str(figure.fewest),
    )


def _target(target: Target) -> Sequence[str]:
    mark = "reached" if target.reached else "MISSED"
    return (target.name, f"{target.wanted:g}", f"{target.measured:.3g}", mark)
