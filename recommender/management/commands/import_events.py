"""`./kinship import_events`: what users did, from a file."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max
from django.utils import timezone

from recommender.importing import command, event_arguments
from recommender.importing.row import RefusedError
from recommender.management.waiting import next_step
from recommender.models import Catalog, Event

_LONG_AGO = timedelta(days=30)


class Command(BaseCommand):
    """Adds events to a catalog's history."""

    help = """\
Import events from an analytics export or a public set, or from CSV, JSON, Parquet or .xlsx.
`--format list` shows what is recognised.

Fields: user, product and at (required), type (or --type), id, quantity, value, rec_id, order.
The products must be there. A bad row goes to the rejects file and stops nothing: no user, an
unknown product or type, no time or one that cannot be, a quantity of 0 or less (a cancelled
line). Run it again as often as you like: it adds nothing twice, and goes on where it was killed.
An event without an id is known by its content; `order` is only for that, and keeps two equal
lines of two orders apart. Where products and events share a file and a --map, `id` on the
product's column is the product's.

  ./kinship import_events events.jsonl --catalog shop
  ./kinship import_events events.csv --catalog shop \\
      --map user=visitor product=item at=timestamp type=event --types buy=purchase look=view scroll=
  ./kinship import_events transactions.csv.gz --catalog gifts --type purchase \\
      --map user=CustomerID product=StockCode at=InvoiceDate quantity=Quantity order=InvoiceNo \\
      --where CustomerID 'Quantity>0' 'UnitPrice>0' 'InvoiceNo!~^C' 'StockCode~^[0-9]'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)
        event_arguments.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        try:
            make_intake = event_arguments.make_intake(options)
        except RefusedError as exc:
            raise CommandError(str(exc)) from exc
        if catalog := command.run(self, event_arguments.FORMATS, options, make_intake):
            self._hint_at_clock(catalog)
            if not options["dry_run"]:
                self.stdout.write(next_step(catalog))

    def _hint_at_clock(self, catalog: Catalog) -> None:
        """Historical data look dead to a catalog that lives by the time of day."""
        last = Event.objects.filter(catalog=catalog).aggregate(last=Max("at"))["last"]
        if catalog.clock == Catalog.Clock.NOW and last and last < timezone.now() - _LONG_AGO:
            self.stdout.write(
                f"The last event is of {last:%Y-%m-%d}. If these are historical data, let the "
                "catalog live in their time:\n"
                f"  ./kinship create_catalog {catalog.name} --update --clock last_event"
            )
