"""`./kinship backup`: all of it in one file."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.template.defaultfilters import filesizeformat

from recommender.management.waiting import Activity
from recommender.stack.backup import Source, estimate, target_file, write_backup

# Where a backup goes, its directory and its key are others, or come with it.
_NOT_KEPT = {"KINSHIP_DATA_DIR", "KINSHIP_SECRET_KEY"}


class Command(BaseCommand):
    """Writes the database, the secret key and the settings to one file."""

    help = """\
Back up the database, the secret key and the KINSHIP_ variables to one file, as of one moment,
while everything runs. The file can be read by you alone: it holds all data and the secret key.
Given a directory, it gets a name with the time. Nothing is overwritten. Keys of providers of
embeddings stay in your environment.

  ./kinship backup /mnt/backups                  /mnt/backups/kinship-20260131T020000Z.backup
  ./kinship backup shop.backup
  ./kinship backup /mnt/backups --dry-run        how large it would be
  ./kinship restore shop.backup                  puts it back, in an empty data directory
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("target", metavar="FILE_OR_DIR", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="say how large it would be, and write nothing"
        )

    def handle(self, *, target: Path, dry_run: bool, **_options: Any) -> None:
        file = target_file(target, datetime.now(UTC))
        if dry_run:
            self._say_size(file)
            return
        variables = {n: v for n, v in settings.VARIABLES.items() if n not in _NOT_KEPT}
        started = time.monotonic()
        with Activity(self) as activity:
            source = Source(settings.STACK, settings.SECRET_KEY, variables)
            write_backup(source, file, activity)
        seconds = time.monotonic() - started
        size = file.stat().st_size
        self.stdout.write(
            f"Backed up {filesizeformat(size)} in {seconds:.1f} s "
            f"({filesizeformat(size / max(seconds, 0.001))} a second): {file}\n"
            "To restore it, in an empty data directory: "
            f"./kinship restore {quote(str(file.resolve()))}"
        )

    def _say_size(self, file: Path) -> None:
        size = estimate(settings.STACK)
        self.stdout.write(
            f"{file} would have at most {filesizeformat(size.most)}, mostly less: tables are "
            f"compressed, and indexes, which make it {filesizeformat(size.database)} in the "
            "database, are built again. Nothing is written."
        )
