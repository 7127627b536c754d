"""`./kinship status`: what runs."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from recommender.stack.status import PartStatus, collect

NOT_UP = 3


class Command(BaseCommand):
    """Shows every part of the stack."""

    help = """\
Show what runs: PostgreSQL, Valkey, web, worker, beat, their supervisor and, where there is one, the
archive of the database's log.
Exits with 0 when all is up, else with 3.

  ./kinship status
  ./kinship status --json | jq -r '.services.web.url'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **_options: object) -> None:
        parts = collect(settings.STACK)
        data_dir = settings.STACK.data_dir
        if json:
            self.stdout.write(_as_json(parts, data_dir))
        else:
            _print_table(parts, data_dir)
        if not all(part.up for part in parts):
            sys.exit(NOT_UP)


def _as_json(parts: list[PartStatus], data_dir: Path) -> str:
    by_name = {fields.pop("name"): fields for fields in map(asdict, parts)}
    return json.dumps({"data_dir": str(data_dir), "services": by_name})


def _print_table(parts: list[PartStatus], data_dir: Path) -> None:
    table = Table("part", "state", "pid", "url", box=None)
    for part in parts:
        colour = "green" if part.up else "red"
        pid = str(part.pid or "")
        table.add_row(part.name, f"[{colour}]{part.state}[/]", pid, part.url)
    console = Console(soft_wrap=True)
    console.print(table)
    for part in parts:
        if part.advice is not None:
            console.print(f"{part.name}: {part.advice}", markup=False, highlight=False)
    console.print(f"data directory {data_dir}", markup=False)
