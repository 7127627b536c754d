"""`manage.py import_events`: what users did, from a file."""

from argparse import ArgumentParser
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Max
from django.utils import timezone

from recommender.importing import command
from recommender.importing.events import EventIntake, EventOptions
from recommender.management.next_step import next_step
from recommender.models import Catalog, Event

_LONG_AGO = timedelta(days=30)


class Command(BaseCommand):
    """Adds events to a catalog's history."""

    help = """\
Import events from CSV (with a header) or JSON Lines, plain or gzipped.

Fields: user, product and at (required), type (or --type), id, quantity, value, rec_id, order.
The products must be there. A bad row goes to the rejects file and stops nothing: no user, an
unknown product or type, no time or one that cannot be, a quantity of 0 or less (a cancelled
line). Run it again as often as you like: it adds nothing twice, and goes on where it was killed.
An event without an id is known by its content; `order` is only for that, and keeps two equal
lines of two orders apart. Where products and events share a file and a --map, `id` on the
product's column is the product's.

  manage.py import_events events.jsonl --catalog shop
  manage.py import_events transactions.csv.gz --catalog gifts --type purchase \\
      --map user=CustomerID product=StockCode at=InvoiceDate quantity=Quantity order=InvoiceNo \\
      --where CustomerID 'Quantity>0' 'UnitPrice>0' 'InvoiceNo!~^C' 'StockCode~^[0-9]'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)
        parser.add_argument(
            "--type", help="the type of every row that has none of its own, such as purchase"
        )

    def handle(self, **options: Any) -> None:
        how = EventOptions(type=options["type"], time_format=options["time_format"])
        catalog = command.run(self, "events", options, partial(EventIntake, options=how))
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
