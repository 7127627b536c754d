"""`./kinship effect`: what recommendations bring."""

from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import date
from typing import Any, get_args

import orjson
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.catalog.catalogs import find_catalog
from recommender.effect import counting, figures, report, wording
from recommender.effect.figures import MOST_DAYS, By, Effect, Figures, Period
from recommender.management.table import aligned
from recommender.models import Catalog
from recommender.ranking.metrics import Interval

_HEADER = ("impressions", "clicks", "click-through", "conversion", "revenue", "per 1,000 seen")


class Command(BaseCommand):
    """Shows the figures of a period."""

    help = """\
Show what recommendations brought: how many of the products seen in lists were clicked and bought,
the revenue, and the share of all orders that a list had a part in; with the interval of 95 % of
each, and against as many days before.

  ./kinship effect --catalog shop
  ./kinship effect --catalog shop --by product --from 2026-11-01 --until 2026-11-28
  ./kinship effect --catalog shop --json | jq .total
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", metavar="NAME", required=True)
        parser.add_argument(
            "--from", dest="since", type=_day, metavar="DAY", help="the first (default: 28 days)"
        )
        parser.add_argument("--until", type=_day, metavar="DAY", help="the last (default: today)")
        parser.add_argument("--by", choices=get_args(By), default="placement")
        parser.add_argument("--limit", type=int, default=20, help="of how many (default: 20)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        period = figures.last_days(until=options["until"])
        if options["since"] is not None:
            period = Period(options["since"], period.until)
        if not 1 <= period.days <= MOST_DAYS:
            raise CommandError(f"From {period.since} to {period.until} are not 1 to 3,660 days.")
        counting.recount(catalog)
        effect = figures.read(catalog, period, options["by"], limit=max(1, options["limit"]))
        if options["json"]:
            told = report.document(catalog, effect)
            self.stdout.write(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        else:
            self.stdout.write(_as_text(catalog, effect))


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as exc:
        raise ArgumentTypeError(f"{text!r} is no date; write it as 2026-11-28.") from exc
    if not date(2000, 1, 1) <= day <= date(2999, 12, 31):
        raise ArgumentTypeError(f"{text} is not from 2000 to 2999.")
    return day


def _as_text(catalog: Catalog, effect: Effect) -> str:
    if effect.is_empty:
        return report.HOW
    names = [*effect.groups[0].keys] if effect.groups else ["placement"]
    rows = [
        (*(str(group.keys[name] or "-") for name in names), *_cells(group.now))
        for group in effect.groups
    ]
    total = ("all", *[""] * (len(names) - 1), *_cells(effect.total.now))
    note = report.note(effect)
    lines = [
        wording.sentence(catalog, effect),
        "",
        aligned([(*names, *_HEADER), *rows, total]),
        "In brackets, where a figure lies with 95 % confidence.",
        *([note] if note else []),
        "",
        *wording.changes(effect),
    ]
    return "\n".join(lines)


def _cells(told: Figures) -> tuple[str, ...]:
    return (
        f"{told.impressions:,}",
        f"{told.clicks:,}",
        _interval(told.click_through, ".2%"),
        _interval(told.conversion, ".2%"),
        f"{told.revenue:,.2f}",
        _interval(told.revenue_per_1000, ",.2f"),
    )


def _interval(interval: Interval | None, form: str) -> str:
    if interval is None:
        return "-"
    mean, low, high = (format(each, form) for each in (interval.mean, interval.low, interval.high))
    return f"{mean} ({low} to {high})"
