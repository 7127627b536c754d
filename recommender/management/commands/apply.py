"""`./kinship apply`: what a file says of catalogs, brought about."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand

from recommender.management import config_file


class Command(BaseCommand):
    """Brings catalogs to what a file says."""

    help = """\
Bring catalogs to what a file says: settings, attributes, weights of events, synonyms, placements,
keys, feed; and periodic tasks to their times. All of it or nothing, in one transaction; applied
again it changes nothing. What the file does not name stays, unless --prune is given.
The secret of a new key is printed this once. `./kinship diff` says before what would change.

  ./kinship apply catalog.yaml
  ./kinship apply catalog.yaml --prune
  ./kinship apply catalog.yaml --json | jq -r '.secrets[].secret'
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        config_file.add_arguments(parser)

    def handle(self, **options: Any) -> None:
        found = config_file.changes(options, dry_run=False)
        if options["json"]:
            self.stdout.write(config_file.as_json(found))
            return
        for line in config_file.told(found):
            self.stdout.write(line)
        secrets = [change for change in found if change.secret]
        if secrets:
            self.stdout.write("\nThis is the only time these keys are shown:")
        for change in secrets:
            name, plain = change.secret or ("", "")
            self.stdout.write(f"  {change.catalog} {name}: {plain}")
        number = "1 change" if len(found) == 1 else f"{len(found)} changes"
        self.stdout.write(f"Made {number}." if found else "Nothing to change.")
