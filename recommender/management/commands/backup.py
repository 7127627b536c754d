"""`./kinship backup`: all of it in one file, or the files of the database and the rest."""

import time
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from recommender.management.waiting import Activity
from recommender.stack import backup, physical
from recommender.stack.backup import Source, estimate, target_file, write_backup
from recommender.stack.physical import files_of, prune, write_physical

# Where a backup goes, its directory and its key are others, or come with it.
_NOT_KEPT = {"KINSHIP_DATA_DIR", "KINSHIP_SECRET_KEY", "KINSHIP_WAL_ARCHIVE"}
# From about here on, building indexes takes minutes: docs/operate.md has the figures.
_LARGE_BYTES = 500 * 1024**2


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number of 1 or more")
    return int(text)


class Command(BaseCommand):
    """Writes the database, the secret key and the settings to one file, or to a directory."""

    help = """\
Back up the database, the secret key and the KINSHIP_ variables to one file, as of one moment,
while everything runs. The file can be read by you alone: it holds all data and the secret key.
Given a directory, it gets a name with the time. Nothing is overwritten. Keys of providers of
embeddings stay in your environment.

With --physical it is a directory with the embedded database's files, indexes too: larger, and
restored sooner. With KINSHIP_WAL_ARCHIVE set, any later moment can be restored from it.

  ./kinship backup /mnt/backups                  /mnt/backups/kinship-20260131T020000Z.backup
  ./kinship backup shop.backup
  ./kinship backup /mnt/backups --dry-run        how large it would be
  ./kinship backup /mnt/backups --physical --keep 7
  ./kinship restore shop.backup                  puts it back, in an empty data directory
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("target", metavar="FILE_OR_DIR", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="say how large it would be, and write nothing"
        )
        parser.add_argument(
            "--physical", action="store_true", help="copy the embedded database's files"
        )
        parser.add_argument(
            "--keep",
            metavar="N",
            type=_count,
            help="then remove all but the newest N of the same kind that were named by the time "
            "in that directory and, of the archive, what only those needed",
        )

    def handle(
        self, *, target: Path, dry_run: bool, physical: bool, keep: int | None, **_options: Any
    ) -> None:
        if keep is not None and not target.is_dir():
            raise CommandError(f"--keep is for backups in a directory, and {target} is none.")
        file = target_file(target, datetime.now(UTC), _suffix(physical))
        if dry_run:
            self._say_size(file, physical)
            return
        variables = {n: v for n, v in settings.VARIABLES.items() if n not in _NOT_KEPT}
        started = time.monotonic()
        with Activity(self) as activity:
            source = Source(settings.STACK, settings.SECRET_KEY, variables)
            if physical:
                write_physical(source, file, activity)
            else:
                write_backup(source, file, activity)
        seconds = time.monotonic() - started
        parts = files_of(file) if physical else [file]
        size = sum(part.stat().st_size for part in parts)
        self.stdout.write(
            f"Backed up {filesizeformat(size)} in {seconds:.1f} s "
            f"({filesizeformat(size / max(seconds, 0.001))} a second): {file}\n"
            "To restore it, in an empty data directory: "
            f"./kinship restore {quote(str(file.resolve()))}"
        )
        if keep is not None:
            self._prune(target, keep, _suffix(physical))
        if not physical:
            self._hint()

    def _prune(self, directory: Path, keep: int, suffix: str) -> None:
        pruned = prune(settings.STACK, directory, keep, suffix)
        for path in pruned.backups:
            self.stdout.write(f"Removed {path}")
        if pruned.archived_bytes:
            self.stdout.write(
                f"Removed {filesizeformat(pruned.archived_bytes)} of the archive, older than what "
                "is kept"
            )

    def _hint(self) -> None:
        """Name the other form where restoring this one takes long."""
        if settings.STACK.database_url is None:
            size = estimate(settings.STACK).database
            if size > _LARGE_BYTES:
                self.stdout.write(
                    f"The database has {filesizeformat(size)}: building its indexes again takes "
                    "minutes. A backup with --physical has them, and is restored much sooner."
                )

    def _say_size(self, file: Path, physical: bool) -> None:
        size = estimate(settings.STACK)
        if physical:
            self.stdout.write(
                f"{file} would have about {filesizeformat(size.database)}, and the log that is "
                "written meanwhile. Nothing is written."
            )
            return
        self.stdout.write(
            f"{file} would have at most {filesizeformat(size.most)}, mostly less: tables are "
            f"compressed, and indexes, which make it {filesizeformat(size.database)} in the "
            "database, are built again. Nothing is written."
        )
        self._hint()


def _suffix(is_physical: bool) -> str:
    return physical.SUFFIX if is_physical else backup.SUFFIX
