"""`./kinship import_products`: products from a file."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand

from recommender.importing import command, feed_formats, public_formats, shop_formats
from recommender.importing.products import ProductIntake, ProductOptions
from recommender.management.waiting import next_step

PRODUCT_FORMATS = (*shop_formats.FORMATS, *feed_formats.FORMATS, *public_formats.FORMATS)


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
  ./kinship import_products list.csv --catalog shop --header id,title,price --decimal ,
  ./kinship import_products transactions.csv.gz --catalog gifts \\
      --map id=StockCode title=Description price=UnitPrice \\
      --where CustomerID 'Quantity>0' 'UnitPrice>0' 'InvoiceNo!~^C' 'StockCode~^[0-9]'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        command.add_arguments(parser)
        parser.add_argument(
            "--category-separator",
            metavar="MARK",
            help="between the names of a category's path (default: /)",
        )
        parser.add_argument(
            "--list-separator",
            default="|",
            metavar="MARK",
            help="between pictures, and between the values of a list (default: |)",
        )

    def handle(self, **options: Any) -> None:
        how = ProductOptions(
            forms=command.said_forms(options),
            category_separator=options["category_separator"],
            list_separator=options["list_separator"],
        )
        make_intake = partial(ProductIntake, options=how)
        catalog = command.run(self, PRODUCT_FORMATS, options, make_intake)
        if catalog and not options["dry_run"]:
            self.stdout.write(next_step(catalog))
