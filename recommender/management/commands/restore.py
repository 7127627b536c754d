"""`./kinship restore`: what a backup holds, in an empty data directory."""

import json
import time
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from recommender.management.waiting import Activity
from recommender.models import Catalog, Event, Product, User
from recommender.stack import ensure_started, restore
from recommender.stack.backup import SECRET_KEY, SETTINGS
from recommender.stack.physical import PhysicalManifest
from recommender.stack.point_in_time import Replay, check_target, covered, restore_physical
from recommender.stack.preparation import known_migrations, migrate


class Command(BaseCommand):
    """Restores a backup and brings its tables up to date."""

    help = """\
Restore what `./kinship backup` wrote, in a new data directory or an empty database: all of it,
or nothing is changed. A backup of an older Kinship is migrated; one of a newer Kinship is refused.
The service must be stopped. With --force the embedded database is replaced; the old one is
removed when the new one is whole.

A physical backup goes into a new data directory only. Where it was made with an archive,
--to-time has every change up to that moment, and none after it.

  KINSHIP_DATA_DIR=/srv/kinship ./kinship restore shop.backup
  ./kinship restore shop.backup --force          replace what is there
  KINSHIP_DATA_DIR=/srv/kinship ./kinship restore /mnt/backups/kinship-20260131T020000Z.physical \\
      --to-time 2026-01-31T10:00:00Z             or: --to-time latest
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "--force", action="store_true", help="replace the embedded database that is there"
        )

        parser.add_argument(
            "--to-time",
            metavar="TIME",
            type=_moment,
            help="of a physical backup: the moment, such as 2026-01-31T10:00:00Z, or latest",
        )

    def handle(
        self, *, file: Path, force: bool, to_time: datetime | str | None, **_options: Any
    ) -> None:
        config = settings.STACK
        started = time.monotonic()
        manifest = restore.inspect(file, known_migrations())
        if isinstance(manifest, PhysicalManifest):
            self._restore_physical(file, manifest, to_time)
            return
        if to_time is not None:
            raise CommandError(
                f"{file} has one moment only, {manifest.created}: --to-time is for backups that "
                "were made with --physical and an archive."
            )
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
        self._say_differences(
            restore.secret_key_of(file),
            restore.settings_of(file),
            f"unzip -p {quote(str(file))} settings.json",
        )
        self.stdout.write("Next: ./kinship up")

    def _restore_physical(
        self, file: Path, manifest: PhysicalManifest, to_time: datetime | str | None
    ) -> None:
        config, started = settings.STACK, time.monotonic()
        check_target(config, manifest)
        moment = to_time if isinstance(to_time, datetime) else None
        found = covered(config, manifest, moment) if to_time is not None else None
        replay = Replay(found.segments, moment) if found else None
        with Activity(self) as activity:
            restore_physical(config, file, manifest, replay, activity)
            ensure_started(config)
            activity("Bringing the tables up to date")
            migrate(config)
        until = found.until if found and moment is None else moment
        as_of = f" as of {until:%Y-%m-%dT%H:%M:%S.%fZ}" if until else ""
        self.stdout.write(
            f"Restored the backup of {manifest.created}{as_of} in "
            f"{time.monotonic() - started:.1f} s: {_contents()}."
        )
        if found is not None and found.missing is not None and moment is None:
            self.stderr.write(
                f"The archive lacks {found.missing}, or it is damaged: later changes are lost."
            )
        had = json.loads((file / SETTINGS).read_text())
        self._say_differences(
            (file / SECRET_KEY).read_text(), had, f"cat {quote(str(file / SETTINGS))}"
        )
        self.stdout.write("Next: ./kinship up")
        if config.wal_archive is not None:
            self.stdout.write(
                "Then: ./kinship backup --physical DIRECTORY, as the archive begins anew here, and "
                "brings back nothing without a backup"
            )

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

    def _say_differences(self, key: str, had: dict[str, str], show: str) -> None:
        """Name what the environment has otherwise than where the backup was made.

        Args:
            key, had: the backup's secret key and variables.
            show: the command that prints the variables.
        """
        given = settings.VARIABLES.get("KINSHIP_SECRET_KEY")
        if given is not None and given != key:
            self.stdout.write(
                "KINSHIP_SECRET_KEY is not the backup's: everybody signs in to the admin again. To "
                f"keep sessions, unset it; {settings.STACK.data_dir}/secret_key has the backup's."
            )
        if others := [name for name in had if settings.VARIABLES.get(name) != had[name]]:
            self.stdout.write(
                f"Set otherwise where it was backed up: {', '.join(others)}. What they were: {show}"
            )


def _moment(text: str) -> datetime | str:
    """A moment with its zone, or `latest`."""
    if text == "latest":
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ArgumentTypeError(
            f"{text} is no time; write it as 2026-01-31T10:00:00Z, or latest"
        ) from exc
    if moment.tzinfo is None:
        raise ArgumentTypeError(f"{text} has no zone; {text}Z is UTC, {text}+01:00 an hour earlier")
    return moment.astimezone(UTC)


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
