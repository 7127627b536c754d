"""`./kinship doctor`: what is wrong with an installation, and how to mend it."""

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import asdict

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from recommender.monitoring.doctor import Finding, Level, examine

WRONG = 3

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "red"}


class Command(BaseCommand):
    """Examines an installation."""

    help = """\
Check what an operator forgets: versions, tables, indexes, dead rows, schedules, workers, broker,
disk, clock, embedding, trainings, and settings that are not safe. Changes nothing.
Exits with 0 when nothing is wrong, 3 when something is; warnings alone are no error.

  ./kinship doctor
  ./kinship doctor --json | jq -r '.findings[] | select(.level != "ok") | .text'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **_options: object) -> None:
        findings = []
        console = Console(soft_wrap=True)
        for finding in examine():
            findings.append(finding)
            if not json:
                _print(console, finding)
        if json:
            self.stdout.write(_as_json(findings))
        else:
            console.print(_verdict(findings), markup=False)
        if _number(findings, Level.ERROR):
            sys.exit(WRONG)


def _print(console: Console, finding: Finding) -> None:
    line = Text(f"{finding.level:<8}", style=_COLOURS[finding.level])
    told = f"{finding.check}: {finding.text}" if finding.text else finding.check
    console.print(line.append(told, style="default"))
    if finding.mend:
        console.print(f"{'':<8}→ {finding.mend}", markup=False, highlight=False)


def _as_json(findings: Sequence[Finding]) -> str:
    wrong = _number(findings, Level.ERROR) > 0
    return json.dumps({"is_well": not wrong, "findings": list(map(asdict, findings))})


def _verdict(findings: Sequence[Finding]) -> str:
    errors, warnings = _number(findings, Level.ERROR), _number(findings, Level.WARNING)
    if errors + warnings == 0:
        return "All is well."
    return f"{errors} wrong, {warnings} to look at."


def _number(findings: Sequence[Finding], level: Level) -> int:
    return sum(finding.level == level for finding in findings)
