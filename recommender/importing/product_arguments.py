"""The words by which an import of products is asked for: by the command, and of a feed."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from recommender.importing import command, feed_formats, public_formats, shop_formats
from recommender.importing.command import MakeIntake
from recommender.importing.products import ProductIntake, ProductOptions
from recommender.importing.source import Source
from recommender.importing.staged_products import Replacement
from recommender.models import Catalog

FORMATS = (*shop_formats.FORMATS, *feed_formats.FORMATS, *public_formats.FORMATS)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare how a file of products is read, beside what all files need."""
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


def make_intake(options: Mapping[str, Any]) -> MakeIntake:
    """What takes in a file with these options, as parsed."""

    def make(catalog: Catalog, given: Mapping[str, str], source: Source) -> ProductIntake:
        how = ProductOptions(
            forms=command.said_forms(options),
            category_separator=options["category_separator"],
            list_separator=options["list_separator"],
            replacement=Replacement(catalog, options["force"]) if options["replace"] else None,
        )
        return ProductIntake(catalog, given, source, how)

    return make


def parse(words: str) -> dict[str, Any]:
    """The options on how a file is read, from words as on the command line.

    Raises:
        RefusedError: they are none.
    """
    return command.parse(words, add_arguments)
