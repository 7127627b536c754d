"""Waiting in a command for what it or the workers do, showing how far they are; what comes next."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from shlex import quote
from types import TracebackType
from typing import Self

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from recommender.catalog.catalogs import announce_space
from recommender.models import Catalog, Event, Heartbeat, Product, Space
from recommender.models.provider import ALIVE_FOR
from recommender.profiles.builder import stale_users
from recommender.spaces import switching
from recommender.spaces.lifecycle import living
from recommender.stack.service import worker_runs_here, worker_while
from recommender.training import runs

_POLL_SECONDS = 0.5
# Nothing has moved for so long: a message was lost, so tell the workers again.
_QUIET_SECONDS = 10.0
_HOPELESS_SECONDS = 300.0


LINE_EVERY = 10.0  # seconds, where there is no terminal to draw on


class Activity:
    """Shows what a command does, with pace and time left where its parts can be counted.

    A bar on a terminal; elsewhere a line for each activity, and one every ten seconds within it.
    Nothing of it is written as an error. To be called like a `training.fitting.Progress`.
    """

    def __init__(self, command: BaseCommand, every: float = LINE_EVERY) -> None:
        """`every`: so many seconds there is a line."""
        self._stderr, self._every = command.stderr, every
        self._is_terminal = command.stderr.isatty()
        self._text, self._done, self._total = "", 0, 0
        self._since = time.monotonic()
        self._ended = threading.Event()
        self._ticking = threading.Thread(target=self._tick, daemon=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not self._is_terminal,
        )
        self._task = self._bar.add_task("", total=None, pace="")

    def __enter__(self) -> Self:
        self._bar.start()
        if not self._is_terminal:
            self._ticking.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._bar.stop()
        if not self._is_terminal:
            self._ticking.join()

    def __call__(self, text: str, done: int = 0, total: int = 0, /) -> None:
        """What is done now, and how many of its parts are done, where they can be counted."""
        is_new = text != self._text
        self._done, self._total = done, total
        if is_new:
            self._text, self._since = text, time.monotonic()
            self._bar.reset(self._task, description=text, total=total or None, pace="")
        pace = self._pace()
        self._bar.update(
            self._task,
            completed=done,
            total=total or None,
            pace=f"{done:,} of {total:,}, {pace:,.1f}/s" if pace else "",
        )
        if is_new and not self._is_terminal:
            self.say(text)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._is_terminal:
            self._bar.console.print(text, highlight=False, markup=False)
        else:
            self._stderr.write(text, style_func=str)

    def _tick(self) -> None:
        while not self._ended.wait(self._every):
            if self._text:
                self.say(self._line())

    def _line(self) -> str:
        seconds, pace = time.monotonic() - self._since, self._pace()
        if not pace:
            return f"{self._text}: for {seconds:.0f} s"
        left = (self._total - self._done) / pace
        return (
            f"{self._text}: {self._done:,} of {self._total:,} ({self._done / self._total:.0%}), "
            f"{pace:,.1f} a second, {left:.0f} s left"
        )

    def _pace(self) -> float:
        """Parts a second; 0 where they are not counted, or none is done."""
        seconds = time.monotonic() - self._since
        return self._done / seconds if self._total and seconds else 0.0


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


def next_step(catalog: Catalog) -> str:
    """The next sensible command, by what the catalog has of products, vectors, events, training."""
    name = quote(catalog.name)
    if not Product.objects.filter(catalog=catalog, deleted_at=None).exists():
        return f"Next: ./kinship import_products FILE --catalog {name}"
    if _lacks_vectors(catalog):
        return f"Next: ./kinship embed --catalog {name} --wait"
    if not Event.objects.filter(catalog=catalog).exists():
        return f"Next: ./kinship import_events FILE --catalog {name}"
    if catalog in runs.due():
        return f"Next: ./kinship train --catalog {name} --wait"
    return (
        f"Next: ./kinship recommend --catalog {name} --users all --out recommendations.jsonl\n"
        f"      ./kinship evaluate --catalog {name}      how good the lists are\n"
        f"      ./kinship create_api_key {name} --scope server      for lists over REST"
    )


def _lacks_vectors(catalog: Catalog) -> bool:
    """Whether products are to be embedded; what behaviour spaces lack comes from training."""
    return any(
        backlog.products
        for backlog in switching.backlogs(catalog)
        if backlog.space.kind != Space.Kind.BEHAVIOUR
    )
