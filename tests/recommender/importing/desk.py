"""Importing small files in tests, and reading what came of it."""

import csv
import re
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.core.management import call_command

from recommender.models import Catalog, Event


@dataclass(frozen=True, slots=True)
class Report:
    """What an import printed, and the rows it rejected."""

    output: str
    rejects: list[dict[str, str]]

    def count(self, what: str) -> int:
        """The number that the summary gives for an outcome or a reason."""
        match = re.search(rf"^ *([\d,]+)  +{re.escape(what)}$", self.output, re.MULTILINE)
        assert match, f"{what!r} is not in:\n{self.output}"
        return int(match[1].replace(",", ""))

    @property
    def reasons(self) -> dict[int, str]:
        """The reasons by line."""
        return {int(row["line"]): row["reason"] for row in self.rejects}


@dataclass(frozen=True, slots=True)
class Desk:
    """Writes files below a directory and imports them into the catalog `shop`; addresses, too."""

    directory: Path

    def file(self, content: str | bytes, name: str = "file.csv") -> Path:
        path = self.directory / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def products(self, content: str | bytes | Path, *options: str) -> Report:
        return self._import("import_products", content, options)

    def events(self, content: str | bytes | Path, *options: str) -> Report:
        return self._import("import_events", content, options)

    def _import(
        self, command: str, content: str | bytes | Path, options: tuple[str, ...]
    ) -> Report:
        is_there = isinstance(content, Path) or str(content).startswith("http://")
        path = content if is_there else self.file(content)
        rejects = self.directory / "rejects.csv"
        output = StringIO()
        call_command(
            command,
            str(path),
            *("--catalog", "shop", "--rejects", str(rejects)),
            *options,
            stdout=output,
        )
        return Report(output.getvalue(), _rows(rejects))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def told(catalog: Catalog) -> list[tuple[str, str, str]]:
    """User, product and type of every event, oldest first."""
    events = Event.objects.filter(catalog=catalog).order_by("at", "user__external_id")
    return [
        (event.user.external_id, event.product.external_id, event.type)
        for event in events.select_related("user", "product")
    ]
