"""`manage.py kinship_sync`: every product, so that the service has what the shop has."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kinship_client import KinshipError, calls
from kinship_client.django import registry, sending, service
from kinship_client.django.conf import configuration

_SHOWN = 5  # rejected products of a page


class Command(BaseCommand):
    """Send all products of all registered models, page by page."""

    help = (
        "Send every product to Kinship, and take off sale there what the shop has no more. "
        "Run it once at the start, and every night for what no signal told of."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether very much may go."""
        parser.add_argument(
            "--force",
            action="store_true",
            help="take off sale even where that is very much of what is on sale",
        )

    def handle(self, **options: Any) -> None:
        """Send them, with a line for each page."""
        if not configuration().url:
            raise CommandError("KINSHIP['URL'] is not set.")
        if not registry.registered():
            raise CommandError("No model is registered: call register(Product, …) in models.py.")
        try:
            rejected = self._send(force=options["force"])
        except KinshipError as exc:
            raise CommandError(str(exc)) from exc
        if rejected:
            raise CommandError(f"{rejected} products were rejected; the others are sent.")

    def _send(self, *, force: bool) -> int:
        rejected = 0
        for page in calls.sync_pages(sending.everything(), force=force):
            answer = service.background().send(page)
            rejected += answer["rejected"]
            for error in answer["errors"][:_SHOWN]:
                self.stderr.write(f"rejected: {error['reason']}")
            self.stdout.write(f"{answer['seen']:,} products sent")
        self.stdout.write(f"{answer['removed']:,} taken off sale")
        return rejected
