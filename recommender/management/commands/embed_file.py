"""`./kinship embed_file`: the vectors of a text file's lines, as JSON Lines."""

import os
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from embeddings.base import Embedder
from embeddings.errors import Misconfigured, Rejected
from embeddings.types import Output, Role
from recommender.catalog.catalogs import find_catalog
from recommender.importing.row import Line, split_lines
from recommender.management.line_vectors import Forecast, StoppedError, embed_lines, forecast
from recommender.models import Catalog
from recommender.providers import ledger, models
from recommender.providers.cache import CacheKey
from recommender.providers.metered import Account


class _Out(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


@dataclass(slots=True)
class _Tally:
    """How many lines have their row, and how many of those have no vector."""

    written: int = 0
    refused: int = 0


class Command(BaseCommand):
    """Embeds the lines of a file."""

    help = """\
Write the vectors of a text file's lines as JSON Lines, one for each line, in their order:
{"line": 1, "embedding": [0.01, …]}. A blank line, or one that the model refuses, is
{"line": 2, "embedding": null, "error": "…"}, and the exit code is 1 then. Any number of lines.

  ./kinship embed_file reviews.txt --to vectors.jsonl
  ./kinship embed_file reviews.txt --model text-embedding-v4 --dimension 512 --catalog shop \\
      --to vectors.jsonl                        a hosted model; the catalog's budget pays
  ./kinship embed_file reviews.txt --model text-embedding-v4 --catalog shop --dry-run
  head -100 reviews.txt | ./kinship embed_file - --role query > vectors.jsonl
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE", help="UTF-8 text, or - for stdin")
        parser.add_argument("--model", metavar="KEY", help="(default: KINSHIP_DEFAULT_MODEL)")
        parser.add_argument(
            "--dimension", type=int, metavar="N", help="length of the vectors (the model's own)"
        )
        parser.add_argument(
            "--role", choices=list(map(str, Role)), default="document", help="(%(default)s)"
        )
        parser.add_argument("--instruction", default="", metavar="TEXT", help="what a query is for")
        parser.add_argument(
            "--output-type", choices=list(map(str, Output)), default="dense", help="(%(default)s)"
        )
        parser.add_argument("--catalog", metavar="NAME", help="whose budget and ledger it is")
        parser.add_argument("--to", type=Path, metavar="OUT.jsonl", help="(default: stdout)")
        parser.add_argument(
            "--dry-run", action="store_true", help="count lines and tokens, send nothing"
        )

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"]) if options["catalog"] else None
            key = options["model"] or settings.DEFAULT_MODEL
            if options["dry_run"]:
                self._forecast(key, catalog, options)
            else:
                self._embed(_embedder(key, options), catalog, options)
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        except Misconfigured as exc:
            raise CommandError(str(exc)) from exc

    def _embed(self, embedder: Embedder, catalog: Catalog | None, options: dict[str, Any]) -> None:
        if embedder.spec.is_hosted and catalog is None:
            raise CommandError(
                f"{embedder.spec.key} costs money: say whose budget pays with --catalog NAME."
            )
        account, tally = Account(catalog) if catalog else None, _Tally()
        with (
            _source(options["file"]) as source,
            _target(options["to"], options["file"], self.stdout) as out,
            _counter("lines embedded") as count,
            _explained(tally, self),
        ):
            for rows in embed_lines(source, embedder, Role(options["role"]), account):
                _write(out, b"".join(row.json() for row in rows).decode())
                tally.written += len(rows)
                tally.refused += sum(isinstance(row.outcome, Rejected) for row in rows)
                count(tally.written)
        self.stderr.write(f"{tally.written - tally.refused:,} vectors of {tally.written:,} lines.")
        if tally.refused:
            raise CommandError(f"{tally.refused:,} lines have no vector; their rows say why.")

    def _forecast(self, key: str, catalog: Catalog | None, options: dict[str, Any]) -> None:
        spec = models.spec(key).at(options["dimension"])
        output = Output(options["output_type"])
        spec.check_output(output, options["instruction"])
        cache_key = CacheKey(spec, output, options["instruction"], Role(options["role"]))
        totals = Forecast()
        with _source(options["file"]) as source, _counter("lines counted") as count:
            for totals in forecast(source, cache_key):
                count(totals.lines)
        self.stdout.write(
            f"{totals.lines:,} lines, {totals.refused:,} of them blank or unreadable, "
            f"{totals.cached:,} in the cache; about {totals.tokens:,} tokens, "
            f"${spec.cost(totals.tokens):,.4f}. Nothing was sent."
        )
        left = None if catalog is None else ledger.left(catalog)
        if left is not None:
            self.stdout.write(f"Budget: ${left:,.2f} are left this month.")


def _embedder(key: str, options: dict[str, Any]) -> Embedder:
    return models.embedder(
        key,
        options["dimension"],
        instruction=options["instruction"],
        output=Output(options["output_type"]),
    )


@contextmanager
def _source(name: str) -> Iterator[Iterable[Line]]:
    """The lines of a file, or of stdin."""
    if name == "-":
        yield split_lines(sys.stdin.buffer)
        return
    with _opened(name) as file:
        yield split_lines(file)


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except OSError as exc:
        raise CommandError(f"Cannot read {name}: {exc.strerror}.") from exc


@contextmanager
def _target(path: Path | None, source: str, stdout: _Out) -> Iterator[_Out]:
    """Where the rows go: a file that is made anew, or stdout."""
    if path is None:
        yield stdout
        return
    if source != "-" and path.exists() and path.samefile(source):
        raise CommandError(f"--to {path} is the file that is read; name another.")
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as exc:
        raise CommandError(f"Cannot write {path}: {exc.strerror}.") from exc
    with file:
        yield file


@contextmanager
def _counter(label: str) -> Iterator[Callable[[int], None]]:
    """Shows a growing number on stderr, where that is a terminal."""
    bar = Progress(
        TextColumn("{task.completed:,.0f} {task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    task = bar.add_task(label, total=None)
    with bar:
        yield lambda count: bar.update(task, completed=count)


@contextmanager
def _explained(tally: _Tally, command: BaseCommand) -> Iterator[None]:
    """Say how far it came where it does not come to the end."""
    try:
        yield
    except StoppedError as exc:
        raise CommandError(
            f"{exc} The {tally.written:,} lines before it are written. Run it again: what was paid "
            "for is not paid for again."
        ) from exc
    except BrokenPipeError as exc:
        # Or Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError(f"Nobody reads on, after line {tally.written:,}.") from exc
    except OSError as exc:
        raise CommandError(f"Stopped after line {tally.written:,}: {exc.strerror}.") from exc
    except KeyboardInterrupt:
        command.stderr.write(f"Interrupted after line {tally.written:,}.")
        raise


def _write(out: _Out, text: str) -> None:
    """Write whole lines: Ctrl-C waits until they are out."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if text:
            out.write(text)
        out.flush()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
