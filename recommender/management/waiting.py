"""Waiting in a command for what the workers do, and showing how far they are."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recommender.catalog.catalogs import announce_space
from recommender.models import Heartbeat, Space
from recommender.models.provider import ALIVE_FOR
from recommender.profiles.builder import stale_users
from recommender.spaces import switching
from recommender.spaces.lifecycle import living
from recommender.stack.service import worker_runs_here, worker_while

_POLL_SECONDS = 0.5
# Nothing has moved for so long: a message was lost, so tell the workers again.
_QUIET_SECONDS = 10.0
_HOPELESS_SECONDS = 300.0


def wait_for(spaces: Sequence[Space], command: BaseCommand) -> None:
    """Show progress until these spaces have all vectors, indexes and profiles; then say how long
    it took.

    Where no worker runs here, one is started for as long as it takes.

    Raises:
        CommandError: embedding is paused, or nothing moves.
    """
    started = time.monotonic()
    with _a_worker(command), _bars() as shown:
        _follow(shown, "Vectors", lambda: _vectors_left(spaces), spaces)
        embedded = time.monotonic() - started
        _follow(shown, "Profiles", lambda: _profiles_left(spaces), spaces)
    seconds = time.monotonic() - started
    command.stdout.write(
        f"Done: vectors and index in {embedded:.1f} s, profiles after {seconds:.1f} s."
    )
    for space in _now(spaces):
        measured = f"recall@20 {space.recall:.3f}" if space.recall is not None else "no index"
        command.stdout.write(f"{space}: {measured} at ef_search {space.ef_search}")


def _follow(shown: Progress, name: str, left: Callable[[], int], spaces: Sequence[Space]) -> None:
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
            _check_not_paused(spaces)
            for space in _now(spaces):
                announce_space(space)
            told = now
        if now - moved > _HOPELESS_SECONDS:
            raise CommandError(
                f"{name}: {remaining} left, and nothing has moved for "
                f"{_HOPELESS_SECONDS / 60:.0f} minutes. See {settings.STACK.layout.log('worker')}."
            )
    shown.update(task, completed=total)


def _now(spaces: Sequence[Space]) -> list[Space]:
    """Those of them that workers still embed, as they are now."""
    return list(living().filter(pk__in=[space.pk for space in spaces]))


def _vectors_left(spaces: Sequence[Space]) -> int:
    backlogs = [switching.backlog(space) for space in _now(spaces)]
    return sum(backlog.products + backlog.unfinished for backlog in backlogs)


def _profiles_left(spaces: Sequence[Space]) -> int:
    active = [space for space in _now(spaces) if space.status == Space.Status.ACTIVE]
    return sum(len(stale_users(space, after=0, limit=100_000)) for space in active)


def _check_not_paused(spaces: Sequence[Space]) -> None:
    for space in _now(spaces):
        if space.paused_reason:
            raise CommandError(f"The embedding of {space} is paused: {space.paused_reason}")


@contextmanager
def _a_worker(command: BaseCommand) -> Iterator[None]:
    with ExitStack() as stack:
        if not worker_runs():
            command.stderr.write("No worker runs here; starting one for as long as this takes.")
            stack.enter_context(worker_while(settings.STACK))
        yield


def worker_runs() -> bool:
    """Whether a worker of this installation takes tasks."""
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
