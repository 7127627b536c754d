"""What was measured, kept in a file so that a run adds to what earlier ones found."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.quality.dataset import Dataset
from benchmarks.quality.measuring import Measured

PRODUCT = "Kinship"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method on one set.

    Attributes:
        figures: by metric, the mean with the ends of its 95 % interval; empty where the method
            was left out, and `note` says why.
        settings: what was chosen, for people.
        processor_seconds: of learning and listing, once the settings are known.
        tuning_seconds: of choosing them, in processor time.
    """

    figures: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    coverage: float = 0.0
    settings: str = ""
    processor_seconds: float = 0.0
    tuning_seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the product's `train` took, and all its commands together."""

    seconds: float
    processor_seconds: float
    peak_bytes: int
    all_seconds: float


@dataclass(slots=True, kw_only=True)
class SetResult:
    """A set, and its rows by method."""

    protocol: str
    source: str
    users: int
    tested: int
    products: int
    events: int
    wanted: int
    rows: dict[str, Row] = field(default_factory=dict)
    training: Training | None = None
    checks: list[str] = field(default_factory=list)

    @property
    def size(self) -> tuple[int, ...]:
        """By which two runs know that they were of the same split."""
        return self.users, self.tested, self.products, self.events, self.wanted


@dataclass(slots=True)
class Results:
    """All sets that were ever run, by name."""

    sets: dict[str, SetResult] = field(default_factory=dict)

    def of(self, dataset: Dataset) -> SetResult:
        """The entry of a set: what is there, unless it was of another split."""
        fresh = SetResult(
            protocol=dataset.protocol,
            source=dataset.source,
            users=len(dataset.users),
            tested=len(dataset.tested),
            products=len(dataset.products),
            events=len(dataset.known),
            wanted=dataset.wanted.nnz,
        )
        kept = self.sets.get(dataset.name)
        if kept is not None and kept.size == fresh.size:
            fresh.rows, fresh.training, fresh.checks = kept.rows, kept.training, kept.checks
        self.sets[dataset.name] = fresh
        return fresh


def row_of(measured: Measured, **others: Any) -> Row:
    """The row of what was measured; `others` are further attributes of it."""
    figures = {
        name: (interval.mean, interval.low, interval.high)
        for name, interval in measured.figures.items()
    }
    return Row(figures=figures, coverage=measured.coverage, **others)


def load(path: Path) -> Results:
    """What earlier runs found; nothing where there is no such file."""
    if not path.exists():
        return Results()
    return Results(dict(_sets(json.loads(path.read_text("utf-8")))))


def _sets(document: dict[str, Any]) -> Iterator[tuple[str, SetResult]]:
    for name, entry in document.items():
        rows = {
            method: Row(**(row | {"figures": {k: tuple(v) for k, v in row["figures"].items()}}))
            for method, row in entry.pop("rows").items()
        }
        training = entry.pop("training")
        yield name, SetResult(**entry, rows=rows, training=training and Training(**training))


def save(results: Results, path: Path) -> None:
    """Write all that was found, set by set in the order of their names."""
    document = {name: _rounded(asdict(one)) for name, one in sorted(results.sets.items())}
    partial = path.with_name(f"{path.name}.partial")
    text = json.dumps(document, indent=1, ensure_ascii=False)
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def _rounded(value: Any) -> Any:
    """To five places: more are noise, and would make every run a change of every line."""
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value
