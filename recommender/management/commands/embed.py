"""`manage.py embed`: have the workers embed what is stale."""

import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recommender.catalogue import changes
from recommender.catalogue.catalogs import find_catalog
from recommender.models import Catalog, Heartbeat
from recommender.models.heartbeat import ALIVE_FOR
from recommender.profiles.staleness import stale_users
from recommender.spaces import progress
from recommender.stack.temporary import worker_runs_here, worker_while

_POLL_SECONDS = 0.5
# Nothing has moved for so long: a message was lost, so tell the workers again.
_QUIET_SECONDS = 10.0
_HOPELESS_SECONDS = 300.0


class Command(BaseCommand):
    """Enqueues the embedding of stale products."""

    help = """\
Have the workers embed every product whose vector is missing or stale, build the index, and
rebuild the profiles that follow from it. What is fresh is left alone.

  manage.py embed --catalog shop           enqueue and return
  manage.py embed --catalog shop --wait    show progress until all is done; where no worker
                                           runs here, one is started for as long as it takes
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("--catalog", required=True)
        parser.add_argument("--wait", action="store_true", help="wait until all is done")

    def handle(self, **options: Any) -> None:
        try:
            catalog = find_catalog(options["catalog"])
        except ValidationError as exc:
            raise CommandError(exc.messages[0]) from exc
        for backlog in progress.backlogs(catalog):
            self.stdout.write(f"{backlog.space}: {backlog.products} products to embed")
        changes.announce(catalog)
        if options["wait"]:
            self._wait(catalog)
        else:
            self.stdout.write("Enqueued. --wait shows progress; `manage.py up` runs the workers.")

    def _wait(self, catalog: Catalog) -> None:
        started = time.monotonic()
        with ExitStack() as stack:
            if not _worker_runs():
                self.stderr.write("No worker runs here; starting one for as long as this takes.")
                stack.enter_context(worker_while(settings.STACK))
            shown = stack.enter_context(_bars())
            _follow(shown, "Vectors", lambda: _vectors_left(catalog), catalog)
            embedded = time.monotonic() - started
            _follow(shown, "Profiles", lambda: _profiles_left(catalog), catalog)
        seconds = time.monotonic() - started
        self.stdout.write(
            f"Done: vectors and index in {embedded:.1f} s, profiles after {seconds:.1f} s."
        )
        for backlog in progress.backlogs(catalog):
            space = backlog.space
            measured = f"recall@20 {space.recall:.3f}" if space.recall is not None else "no index"
            self.stdout.write(f"{space}: {measured} at ef_search {space.ef_search}")


def _follow(shown: Progress, name: str, left: Callable[[], int], catalog: Catalog) -> None:
    """Show a number fall to zero, and tell the workers again where it stands still."""
    remaining = total = left()
    task = shown.add_task(name, total=total)
    moved = told = time.monotonic()
    while remaining:
        time.sleep(_POLL_SECONDS)
        now, before = time.monotonic(), remaining
        remaining = left()
        total = max(total, remaining)
        shown.update(task, completed=total - remaining, total=total)
        if remaining != before:
            moved = now
        if now - max(moved, told) > _QUIET_SECONDS:
            changes.announce(catalog)
            told = now
        if now - moved > _HOPELESS_SECONDS:
            raise CommandError(
                f"{name}: {remaining} left, and nothing has moved for "
                f"{_HOPELESS_SECONDS / 60:.0f} minutes. See {settings.STACK.layout.log('worker')}."
            )
    shown.update(task, completed=total)


def _vectors_left(catalog: Catalog) -> int:
    return sum(b.products + b.unfinished for b in progress.backlogs(catalog))


def _profiles_left(catalog: Catalog) -> int:
    active = [b.space for b in progress.backlogs(catalog) if b.space.status == "active"]
    return sum(len(stale_users(space, after=0, limit=100_000)) for space in active)


def _worker_runs() -> bool:
    if settings.STACK.broker_url is None:
        return worker_runs_here(settings.STACK)
    since = timezone.now() - ALIVE_FOR
    return Heartbeat.objects.filter(at__gte=since).exists()


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
