"""`./kinship dump`: the file of what there is."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from recommender.api.config import applying
from recommender.management import yaml_file


class Command(BaseCommand):
    """Writes catalogs as a file that can be applied."""

    help = """\
Write the file of what there is, which applied elsewhere gives the same: catalogs and what is
managed of them, without secrets, products and users. Placements are those that serve. Without a
name it is all catalogs, and the times of periodic tasks.

  ./kinship dump shop > catalog.yaml
  ./kinship dump > installation.yaml
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("catalogs", nargs="*", metavar="CATALOG", help="all by default")

    def handle(self, **options: Any) -> None:
        try:
            document = applying.read(options["catalogs"])
        except ValidationError as exc:
            raise CommandError("\n".join(exc.messages)) from exc
        self.stdout.write(yaml_file.write(document), ending="")
