"""`./kinship embed`: have the workers embed what is stale."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from embeddings.errors import Misconfigured
from recommender.catalog.catalogs import announce_changes, find_catalog
from recommender.management.table import aligned
from recommender.management.waiting import next_step, wait_for
from recommender.models import Catalog, Space
from recommender.providers import ledger
from recommender.spaces import lifecycle, quarantine, switching
from recommender.spaces.estimate import Estimate, duration, estimate
from recommender.spaces.lifecycle import living

_HEADER = ("space", "model", "products", "in the cache", "tokens", "cost", "time")


class Command(BaseCommand):
    """Enqueues the embedding of stale products."""

    help = """\
Have the workers embed every product whose vector is missing or stale, build the index, and
rebuild the profiles that follow from it. What is fresh is left alone. A standby space is not
embedded.

  ./kinship embed --catalog shop           enqueue and return
  ./kinship embed --catalog shop --wait    show progress until all is done; where no worker
                                           runs here, one is started for as long as it takes
  ./kinship embed --catalog shop --dry-run              what it would take and cost; sends nothing
  ./kinship embed --catalog shop --retry-quarantined    also what the model refused before
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument("--wait", action="store_true", help="wait until all is done")
        parser.add_argument(
            "--dry-run", action="store_true", help="estimate products, tokens, price and time only"
        )
        parser.add_argument(
            "--retry-quarantined", action="store_true", help="embed refused products again, too"
        )

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        spaces = list(living().filter(catalog=catalog).select_related("catalog"))
        if options["dry_run"]:
            self._estimate(catalog, spaces)
            return
        if options["retry_quarantined"]:
            for space in spaces:
                self.stdout.write(f"{space}: {quarantine.retry(space)} products out of quarantine")
        for backlog in switching.backlogs(catalog):
            self.stdout.write(f"{backlog.space}: {backlog.products} products to embed")
            # A person asks: what is said of it from now on is new.
            lifecycle.resume(backlog.space)
        announce_changes(catalog)
        if not options["wait"]:
            self.stdout.write("Enqueued. --wait shows progress; `./kinship up` runs the workers.")
            return
        wait_for(spaces, self)
        self._tell_quarantined(spaces)
        self.stdout.write(next_step(catalog))

    def _estimate(self, catalog: Catalog, spaces: Sequence[Space]) -> None:
        try:
            estimates = [(space, estimate(space)) for space in spaces]
        except Misconfigured as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(aligned([_HEADER, *(_cells(*pair) for pair in estimates)]))
        for space, expected in estimates:
            if expected.sampled:
                self.stdout.write(
                    f"{space}: tokens and cost by {expected.sampled:,} products drawn at random."
                )
        cost, left = sum(expected.cost for _, expected in estimates), ledger.left(catalog)
        if left is not None:
            enough = "" if cost <= left else " That is not enough: embedding would pause."
            self.stdout.write(
                f"Budget: ${left:,.2f} of ${catalog.monthly_budget:,.2f} are left this month."
                f"{enough}"
            )
        self.stdout.write("Dry run: nothing was sent.")

    def _tell_quarantined(self, spaces: Sequence[Space]) -> None:
        for space in spaces:
            if count := quarantine.count(space):
                self.stdout.write(
                    f"{space}: {count} products in quarantine, as the model refused them; the "
                    "admin shows why. Again: ./kinship embed --retry-quarantined "
                    f"--catalog {space.catalog}"
                )


def _cells(space: Space, expected: Estimate) -> tuple[str, ...]:
    return (
        *(str(space), space.model, f"{expected.products:,}", f"{expected.cached:,}"),
        *(f"{expected.tokens:,}", f"${expected.cost:,.4f}"),
        duration(expected.seconds) if expected.seconds else "-",
    )
