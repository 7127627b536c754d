"""`./kinship import_products`: products from a file."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.importing import command, product_arguments
from recommender.management.waiting import next_step


class Command(BaseCommand):
    """Adds products to a catalog, and changes those it has."""

    help = """\
Import products from a file of a shop system, a feed or a public set, or from CSV, JSON, Parquet
or .xlsx. `--format list` shows what is recognised.

Fields: id (required), title, description, category, brand, price, currency, in_stock,
image_urls, video_urls, released_at, attributes.NAME. What the file does not have keeps its
value. Of several rows with one id, one with the most frequent title counts, and of those the
last; variants become one product. A bad row goes to the rejects file and stops nothing. Run it
again as often as you like: it adds nothing twice, and goes on where it was killed.

  ./kinship import_products products_export.csv --catalog shop
  ./kinship import_products products.jsonl --catalog shop
  ./kinship import_products all_products.csv --catalog shop --replace
  ./kinship import_products https://shop.example/feed.xml --catalog shop --replace
  ./kinship import_products list.csv --catalog shop --header id,title,price --decimal ,
  ./kinship import_products transactions.csv.gz --catalog gifts \\
      --map id=StockCode title=Description price=UnitPrice \\
      --where CustomerID 'Quantity>0' 'UnitPrice>0' 'InvoiceNo!~^C' 'StockCode~^[0-9]'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)
        product_arguments.add_arguments(parser)
        parser.add_argument(
            "--replace",
            action="store_true",
            help="the file is the whole catalog: take off sale what it does not have",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="with --replace: also where more than 20 %% of the products on sale would go",
        )

    def handle(self, **options: Any) -> None:
        if options["force"] and not options["replace"]:
            raise CommandError("--force belongs to --replace; give both, or neither.")
        make_intake = product_arguments.make_intake(options)
        catalog = command.run(self, product_arguments.FORMATS, options, make_intake)
        if catalog and not options["dry_run"]:
            self.stdout.write(next_step(catalog))
