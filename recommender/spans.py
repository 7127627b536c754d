"""What requests and tasks do, told as spans to who collects them (OpenTelemetry).

Where nobody does, `told` tells nobody: each of its methods does nothing, for a fraction of a
microsecond, and nothing of OpenTelemetry is loaded. `telemetry.start` puts one in its place that
does.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]

_NOTHING = nullcontext()


class Root(Protocol):
    """What a process begins with: a request, or a task."""

    @property
    def ids(self) -> Mapping[str, str]:
        """What the lines of a log name it by."""

    def current(self) -> AbstractContextManager[object]:
        """What this thread does in this block is a part of it."""

    def end(self, name: str, attributes: Attributes, /, *, is_failed: bool) -> None:
        """It is over.

        Args:
            name: what it proved to be, for the like of it.
        """


class Spans(Protocol):
    """Tells of a process's requests and tasks, and of their parts."""

    def request(self, headers: Mapping[bytes, bytes], attributes: Attributes, /) -> Root:
        """A request begins, as a part of what its headers name (W3C Trace Context)."""

    def task(self, name: str, headers: Mapping[str, str], attributes: Attributes, /) -> Root:
        """A task begins, as a part of what sent it."""

    def headers(self) -> Mapping[str, str]:
        """What a message says of what this thread is at, for its receiver to go on with."""

    def stage(self, name: str, /) -> AbstractContextManager[object]:
        """A part of what this thread is at."""

    def note(self, attributes: Mapping[str, object], /) -> None:
        """Say more of the part that runs."""

    def statement(self, text: Callable[[], str], /) -> AbstractContextManager[object]:
        """A statement that the database runs for it.

        Args:
            text: its SQL, with places instead of values.
        """

    def close(self) -> None:
        """Tell what is not told yet: this process ends."""


class _UntoldRoot:
    __slots__ = ()
    ids: Mapping[str, str] = {}

    def current(self) -> AbstractContextManager[object]:
        return _NOTHING

    def end(self, *_: object, is_failed: bool) -> None:
        pass


class _Untold:
    def request(self, *_: object) -> Root:
        return UNTOLD

    def task(self, *_: object) -> Root:
        return UNTOLD

    def headers(self) -> Mapping[str, str]:
        return {}

    def stage(self, *_: object) -> AbstractContextManager[object]:
        return _NOTHING

    def note(self, *_: object) -> None:
        pass

    def statement(self, *_: object) -> AbstractContextManager[object]:
        return _NOTHING

    def close(self) -> None:
        pass


UNTOLD: Root = _UntoldRoot()
told: Spans = _Untold()


def tell(spans: Spans) -> Spans:
    """Have these told from now on; those that were before."""
    global told
    before, told = told, spans
    return before
