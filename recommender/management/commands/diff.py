"""`./kinship diff`: what a file would change."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import replace
from typing import Any

from django.core.management.base import BaseCommand

from recommender.management import config_file

DIFFERS = 2


class Command(BaseCommand):
    """Says what a file would change."""

    help = """\
Say what ./kinship apply would change, and change nothing: the file is applied and undone, so that
whatever apply would refuse is refused here.
Exits with 0 when nothing would change, 2 when something would, 1 when the file is not right.

  ./kinship diff catalog.yaml
  ./kinship diff catalog.yaml --prune
  ./kinship dump shop | ./kinship diff -
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        config_file.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        # No key was made that could be told.
        found = [replace(one, secret=None) for one in config_file.changes(options, dry_run=True)]
        if options["json"]:
            self.stdout.write(config_file.as_json(found))
        else:
            for line in config_file.told(found):
                self.stdout.write(line)
            if not found:
                self.stdout.write("Nothing would change.")
        if found:
            sys.exit(DIFFERS)
