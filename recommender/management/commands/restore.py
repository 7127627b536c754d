"""`./kinship restore`: what a backup holds, in an empty data directory."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from recommender.management.waiting import Activity
from recommender.models import Catalog, Event, Product, User
from recommender.stack import restore
from recommender.stack.preparation import known_migrations, migrate


class Command(BaseCommand):
    """Restores a backup and brings its tables up to date."""

    help = """\
Restore what `./kinship backup` wrote, in a new data directory or an empty database: all of it,
or nothing is changed. A backup of an older Kinship is migrated; one of a newer Kinship is refused.
The service must be stopped. With --force the embedded database is replaced; the old one is
removed when the new one is whole.

  KINSHIP_DATA_DIR=/srv/kinship ./kinship restore shop.backup
  ./kinship restore shop.backup --force          replace what is there
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="replace the embedded database that is there"
        )

    def handle(self, *, file: Path, force: bool, **_options: Any) -> None:
        config = settings.STACK
        started = time.monotonic()
        manifest = restore.inspect(file, known_migrations())
        if restore.prepare_target(config, manifest):
            self._check_replaceable(force)
        connection.close()
        with Activity(self) as activity:
            restore.restore(config, file, manifest, activity)
            activity("Bringing the tables up to date")
            migrate(config)
        self.stdout.write(
            f"Restored the backup of {manifest.created} in {time.monotonic() - started:.1f} s: "
            f"{_contents()}."
        )
        self._say_differences(file)
        self.stdout.write("Next: ./kinship up")

    def _check_replaceable(self, force: bool) -> None:
        if settings.STACK.database_url is not None:
            raise CommandError(
                f"The database of DATABASE_URL is not empty: {_contents()}. Make an empty one and "
                "name it in DATABASE_URL; --force replaces only the embedded database."
            )
        if not force:
            raise CommandError(
                f"{settings.STACK.data_dir} has data: {_contents()}. Set KINSHIP_DATA_DIR to a new "
                "directory, or replace them for good with --force."
            )

    def _say_differences(self, file: Path) -> None:
        """Name what the environment has otherwise than where the backup was made."""
        given = settings.VARIABLES.get("KINSHIP_SECRET_KEY")
        if given is not None and given != restore.secret_key_of(file):
            self.stdout.write(
                "KINSHIP_SECRET_KEY is not the backup's: everybody signs in to the admin again. To "
                f"keep sessions, unset it; {settings.STACK.data_dir}/secret_key has the backup's."
            )
        had = restore.settings_of(file)
        if others := [name for name in had if settings.VARIABLES.get(name) != had[name]]:
            self.stdout.write(
                f"Set otherwise where it was backed up: {', '.join(others)}. What they were: "
                f"unzip -p {quote(str(file))} settings.json"
            )


def _contents() -> str:
    """What the database holds, in words."""
    counted = {
        "catalogs": Catalog.objects,
        "products": Product.objects,
        "users": User.objects,
        "events": Event.objects,
        "administrators": get_user_model().objects,
    }
    try:
        return ", ".join(f"{rows.count():,} {name}" for name, rows in counted.items())
    except DatabaseError:
        return "tables of another program, or of an unfinished Kinship"
