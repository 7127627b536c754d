"""`./kinship evaluate_related`: how good the lists are that go with a product."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.insight import related_quality
from recommender.insight.related_quality import IN_ONE_BASKET, RelatedFigures, TooLittleError
from recommender.management.table import aligned
from recommender.management.waiting import Activity
from recommender.training.run import Past, present

_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class Command(BaseCommand):
    """Evaluates similar products, what is bought together, and complements."""

    help = """\
Put history back to the last days, learn from what was before, and list what goes with products:
similar ones by each blend, against what users came to next; what is bought together and
complements, against the other products of a basket, all of them and those that are no substitutes.

  ./kinship evaluate_related --catalog demo
  ./kinship evaluate_related --catalog shop --json figures.json
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures")

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        try:
            with Activity(self) as activity:
                past = Past(present(catalog))
                figures = related_quality.measure(catalog, past, activity)
        except TooLittleError as exc:
            raise CommandError(f"{catalog} has too little history: {exc}") from exc
        self.stdout.write(_table(figures))
        if not any(row.truth == IN_ONE_BASKET for row in figures):
            self.stdout.write("Too few baskets of several products are held out to judge by them.")
        if options["json"] is not None:
            _write(options["json"], figures)


def _table(figures: Sequence[RelatedFigures]) -> str:
    header = ("truth", "list", "lists", "NDCG@20", "recall@20", "hit rate")
    cells = [
        (
            row.truth,
            row.name,
            f"{row.lists:,}",
            *(f"{value:.4f}" for value in (row.ndcg, row.recall, row.hit_rate)),
        )
        for row in figures
    ]
    return aligned([header, *cells])


def _write(out: Path, figures: Sequence[RelatedFigures]) -> None:
    try:
        out.write_bytes(orjson.dumps(figures, option=_INDENTED))
    except OSError as exc:
        raise CommandError(f"--json {out} cannot be written: {exc.strerror}.") from exc
