"""`./kinship down`: stop Kinship."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from django.conf import settings
from django.core.management.base import BaseCommand

from recommender.stack.takedown import take_down


class Command(BaseCommand):
    """Stops everything that runs on the data directory."""

    help = """\
Stop web, worker, beat and the embedded PostgreSQL and Valkey, also after a crash.
The worker gets 20 seconds to finish what it is at. Data stay.

  ./kinship down
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter

    def handle(self, **_options: object) -> None:
        stopped = take_down(settings.STACK)
        if stopped:
            self.stdout.write(f"Stopped {', '.join(stopped)}.")
        else:
            self.stdout.write("Nothing is running.")
