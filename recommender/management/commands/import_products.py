"""`manage.py import_products`: products from a file."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand

from recommender.importing import command
from recommender.importing.products import ProductIntake
from recommender.management.next_step import next_step


class Command(BaseCommand):
    """Adds products to a catalog, and changes those it has."""

    help = """\
Import products from CSV (with a header) or JSON Lines, plain or gzipped.

Fields: id (required), title, description, category, brand, price, currency, in_stock,
image_urls, video_urls, released_at, attributes.NAME. What the file does not have keeps its
value. Of several rows with one id, one with the most frequent title counts, and of those the
last. A bad row goes to the rejects file and stops nothing. Run it again as often as you like:
it adds nothing twice, and goes on where it was killed.

  manage.py import_products products.jsonl --catalog shop
  manage.py import_products transactions.csv.gz --catalog gifts \\
      --map id=StockCode title=Description price=UnitPrice \\
      --where CustomerID 'Quantity>0' 'UnitPrice>0' 'InvoiceNo!~^C' 'StockCode~^[0-9]'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        make_intake = partial(ProductIntake, time_format=options["time_format"])
        catalog = command.run(self, "products", options, make_intake)
        if not options["dry_run"]:
            self.stdout.write(next_step(catalog))
