"""`./kinship evaluate_search`: how good search is, by judged queries."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.engine.search import BY_ID, WORDS
from recommender.insight import search_quality
from recommender.insight.search_quality import JudgedQuery, JudgementsError, SearchFigures
from recommender.management.table import aligned
from recommender.management.waiting import Activity
from recommender.models import Catalog, Space

_MAX_K = 100
_ALL = "search"
_MOST_PURCHASES = 1000
_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Command(BaseCommand):
    """Evaluates the search of a catalog."""

    help = """\
Ask judged queries of the code that serves, and grade its lists: all of search, then each list of
it alone. FILE is CSV with the columns query, product and grade (1 to 10, the best the highest; what
is not there does not answer the query), and maybe kind, by which the figures are split.

  ./kinship evaluate_search --catalog demo recommender/demo/judged_queries.csv
  ./kinship evaluate_search --catalog shop judged.csv --k 20 --json figures.json
  ./kinship evaluate_search --catalog demo --replay       purchases as searches, with taste too
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", nargs="?", metavar="FILE", help="judged queries; - for stdin")
        parser.add_argument("--catalog", required=True)
        parser.add_argument("--k", type=int, default=10, help="length of the lists (%(default)s)")
        parser.add_argument(
            "--replay",
            action="store_true",
            help="replay each user's latest purchase as a search for the product's category, plain "
            "and with the user's taste just before it",
        )
        parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")

    def handle(self, **options: Any) -> None:
        if not 1 <= options["k"] <= _MAX_K:
            raise CommandError(f"--k is from 1 to {_MAX_K}.")
        if not options["file"] and not options["replay"]:
            raise CommandError("Give a file of judged queries, or --replay.")
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        figures: dict[str, list[SearchFigures]] = {}
        with Activity(self) as activity:
            if options["file"]:
                queries = _read(options["file"])
                figures |= _judge(catalog, queries, options["k"], activity)
            if options["replay"]:
                activity("purchases as searches")
                figures["purchases as searches"] = _replay(catalog, options["k"])
        for title, rows in figures.items():
            self.stdout.write(f"{catalog}, {title}\n\n{_table(rows, options['k'])}\n")
        if options["json"] is not None:
            _write(options["json"], figures)


def _read(name: str) -> list[JudgedQuery]:
    try:
        if name == "-":
            return search_quality.read_judgements(sys.stdin)
        with Path(name).open(encoding="utf-8-sig", newline="") as lines:
            return search_quality.read_judgements(lines)
    except OSError as exc:
        raise CommandError(f"{name} cannot be read: {exc.strerror}.") from exc
    except (JudgementsError, UnicodeDecodeError) as exc:
        raise CommandError(f"{name}: {exc}") from exc


def _judge(
    catalog: Catalog, queries: Sequence[JudgedQuery], k: int, activity: Activity
) -> dict[str, list[SearchFigures]]:
    """The figures of all of search and of each list alone, over all queries and by their kind."""
    spaces = Space.objects.filter(catalog=catalog, status=Space.Status.ACTIVE).exclude(
        kind=Space.Kind.BEHAVIOUR
    )
    lists = {_ALL: None, WORDS: {WORDS}, BY_ID: {BY_ID}}
    lists |= {space.name: {space.name} for space in spaces}
    kinds = sorted({query.kind for query in queries} - {""})
    figures: dict[str, list[SearchFigures]] = {}
    for name, counted in lists.items():
        activity(f"{len(queries):,} queries: {name}")
        results = [search_quality.ask(catalog, query, k=k, lists=counted) for query in queries]
        title = f"{len(queries):,} judged queries"
        figures.setdefault(title, []).append(search_quality.summary(name, results))
        for kind in kinds:
            own = [r for r, query in zip(results, queries, strict=True) if query.kind == kind]
            figures.setdefault(kind, []).append(search_quality.summary(name, own))
    return figures


def _replay(catalog: Catalog, k: int) -> list[SearchFigures]:
    plain, personal = search_quality.replay(catalog, most=_MOST_PURCHASES, k=k)
    if not plain:
        raise CommandError(
            f"{catalog} has no purchase of a product in stock that has a category, so there is "
            "nothing to replay."
        )
    return [
        search_quality.summary("plain", plain),
        search_quality.summary("personal", personal),
    ]


def _table(rows: Sequence[SearchFigures], k: int) -> str:
    header = (
        "list",
        "queries",
        f"NDCG@{k}",
        "MRR",
        "recall@100",
        f"success@{k}",
        "p50 ms",
        "p99 ms",
    )
    cells = [
        (
            row.name,
            f"{row.queries:,}",
            *(f"{value:.3f}" for value in (row.ndcg, row.mrr, row.recall, row.success)),
            f"{row.p50:.1f}",
            f"{row.p99:.1f}",
        )
        for row in rows
    ]
    return aligned([header, *cells])


def _write(out: Path, figures: dict[str, list[SearchFigures]]) -> None:
    try:
        out.write_bytes(orjson.dumps(figures, option=_INDENTED))
    except OSError as exc:
        raise CommandError(f"--json {out} cannot be written: {exc.strerror}.") from exc
