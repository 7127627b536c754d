"""`./kinship recommend`: recommendations for many users, as JSON Lines."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from recommender.catalog.catalogs import find_catalog
from recommender.engine import batch
from recommender.engine.answer import MAX_COUNT, SEEN, Query
from recommender.engine.batch import Recommendation, Recommender
from recommender.management.waiting import Activity
from recommender.models import Catalog, Mode, User
from recommender.stack import machine
from recommender.training import backtest


class Command(BaseCommand):
    """Batch export of recommendations."""

    help = """\
Write recommendations of many users to a file, one JSON line a user:
{"user": "u1", "items": [{"id": "sku-9", "score": 0.048}, …]}

  ./kinship recommend --catalog shop --users all --count 20 --out recs.jsonl
  ./kinship recommend --catalog shop --users ids.txt --out recs.jsonl --include-seen
  ./kinship recommend --catalog shop --users all --as-of 2011-10-01 --out recs.jsonl
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument(
            "--users", required=True, help="'all', or a file with one user id a line"
        )
        parser.add_argument("--count", type=int, default=20, help="products a user (%(default)s)")
        parser.add_argument(
            "--include-seen", action="store_true", help="recommend what the user had before, too"
        )
        parser.add_argument(
            "--as-of",
            metavar="TIME",
            help="use only what happened before this ISO 8601 time, and learn from it alone "
            "(default: all, and what is trained)",
        )
        parser.add_argument("--out", required=True, metavar="FILE.jsonl", type=Path)

    def handle(self, **options: Any) -> None:
        if not 1 <= options["count"] <= MAX_COUNT:
            raise CommandError(f"--count is from 1 to {MAX_COUNT}.")
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        if options["out"].is_dir():
            raise CommandError(f"--out {options['out']} is a directory; name a file.")
        query = Query(
            count=options["count"],
            exclude=frozenset() if options["include_seen"] else frozenset({SEEN}),
            before=_time(options["as_of"]) if options["as_of"] else None,
        )
        users, total = _users(catalog, options["users"])
        source = self._source(catalog, query)
        started = time.monotonic()
        try:
            written, unknown = self._write(
                batch.recommend_many(source, users, query, processes=machine.detect().cores),
                options["out"],
                total,
            )
        except OSError as exc:
            raise CommandError(f"Cannot write {options['out']}: {exc.strerror}.") from exc
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{written} users in {seconds:.1f} s ({written / max(seconds, 1e-9):.0f} users/s), "
            f"{unknown} of them unknown and given what is popular: {options['out']}"
        )

    def _source(self, catalog: Catalog, query: Query) -> Recommender:
        """What serves; for a past moment, what would have: learnt from what was before it."""
        if query.before is None:
            return batch.serving(catalog, query)
        mode = Mode.NEW if query.exclude else Mode.ALL
        with Activity(self) as activity:
            return backtest.recommender_as_of(catalog, query.before, mode, activity)

    def _write(
        self, recommendations: Iterator[Recommendation], out: Path, total: int
    ) -> tuple[int, int]:
        written = unknown = 0
        # Beside the file and then in its place: a run that is broken off leaves the old one.
        partial = out.with_name(f"{out.name}.partial")
        try:
            with partial.open("wb") as file, _progress() as progress:
                task = progress.add_task("Recommending", total=total)
                for recommendation in recommendations:
                    file.write(_line(recommendation))
                    written += 1
                    unknown += not recommendation.known
                    progress.update(task, advance=1)
            partial.replace(out)
        finally:
            partial.unlink(missing_ok=True)
        return written, unknown


def _line(recommendation: Recommendation) -> bytes:
    items = [{"id": item.id, "score": item.score} for item in recommendation.items]
    return orjson.dumps({"user": recommendation.user, "items": items}) + b"\n"


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _users(catalog: Catalog, source: str) -> tuple[Iterator[str], int]:
    """The ids and how many there are."""
    if source == "all":
        return batch.all_users(catalog), User.objects.filter(catalog=catalog).count()
    try:
        text = Path(source).read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise CommandError(f"Cannot read --users {source}: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise CommandError(f"--users {source} is not UTF-8 text; write one id a line.") from exc
    if "\0" in text:
        raise CommandError(f"--users {source} is not text; write one id a line.")
    ids = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    return iter(ids), len(ids)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as exc:
        raise CommandError(
            f"--as-of {text!r} is no ISO 8601 time; write 2011-10-01 or 2011-10-01T12:00:00Z."
        ) from exc
    return time if time.tzinfo else time.replace(tzinfo=UTC)
