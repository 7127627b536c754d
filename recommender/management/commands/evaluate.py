"""`./kinship evaluate`: how well a catalog is recommended."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.insight import evaluations, report
from recommender.insight.evaluation import EvaluationError, evaluate
from recommender.insight.evaluation_result import as_document
from recommender.management.table import method_table
from recommender.management.waiting import Activity
from recommender.models import Mode

_MAX_K = 1000
_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Command(BaseCommand):
    """Evaluates a catalog."""

    help = """\
Replay a catalog's history: what each channel, the rank and the baselines would have listed at a
past moment, by the code that serves, against what users came to afterwards. Nothing serves
otherwise afterwards; the admin shows the evaluations over time.

  ./kinship evaluate --catalog shop
  ./kinship evaluate --catalog shop --split 2011-10-01 --mode all --baselines
  ./kinship evaluate --catalog shop --split last --k 10     each user's last event is to be found
  ./kinship evaluate --catalog shop --json shop.json --report shop.html
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument(
            "--split",
            metavar="TIME|last",
            help="the ISO 8601 time that history is cut at, or 'last': before each user's last "
            "event (default: chosen by the history)",
        )
        parser.add_argument("--k", type=int, default=20, help="length of the lists (%(default)s)")
        parser.add_argument(
            "--mode",
            choices=Mode.values,
            default=Mode.NEW.value,
            help="new: what a user has had is neither listed nor wanted; all: it is, too "
            "(%(default)s)",
        )
        parser.add_argument(
            "--baselines", action="store_true", help="also popular, item-kNN, EASE, ALS, BPR, …"
        )
        parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")
        parser.add_argument("--report", metavar="FILE.html", type=Path, help="write a page")

    def handle(self, **options: Any) -> None:
        if not 1 <= options["k"] <= _MAX_K:
            raise CommandError(f"--k is from 1 to {_MAX_K}.")
        split = _split(options["split"])
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        # Before the work, which may take minutes.
        for option in ("json", "report"):
            _check_can_write(option, options[option])
        try:
            with Activity(self) as activity:
                evaluation = evaluate(
                    catalog,
                    split=split,
                    k=options["k"],
                    mode=options["mode"],
                    baselines=options["baselines"],
                    progress=activity,
                )
        except EvaluationError as exc:
            raise CommandError(str(exc)) from exc
        evaluations.store(catalog, evaluation)
        self.stdout.write(method_table(evaluation))
        if options["json"] is not None:
            _write("json", options["json"], orjson.dumps(as_document(evaluation), option=_INDENTED))
        if options["report"] is not None:
            _write("report", options["report"], report.render(evaluation).encode())


def _split(text: str | None) -> datetime | Literal["last"] | None:
    if text is None:
        return None
    if text == "last":
        return "last"
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise CommandError(
            f"--split {text!r} is neither 'last' nor an ISO 8601 time; write 2011-10-01 or "
            "2011-10-01T12:00:00Z."
        ) from exc
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _partial(out: Path) -> Path:
    """What is written beside a file and then put in its place: a half one is never seen."""
    return out.with_name(f"{out.name}.partial")


def _check_can_write(option: str, out: Path | None) -> None:
    if out is None:
        return
    if out.is_dir():
        raise CommandError(f"--{option} {out} is a directory; name a file.")
    _write_partial(option, out, b"")
    _partial(out).unlink()


def _write(option: str, out: Path, content: bytes) -> None:
    _write_partial(option, out, content)
    _partial(out).replace(out)


def _write_partial(option: str, out: Path, content: bytes) -> None:
    try:
        _partial(out).write_bytes(content)
    except OSError as exc:
        raise CommandError(f"Cannot write --{option} {out}: {exc.strerror}.") from exc
