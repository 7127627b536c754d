"""What became of a list's candidates on their way, stage by stage, where a request asks for it;
and a span of each stage, where spans are told.

A stage says `with trace.stage("rank"):` around its work and `trace.note(kept=…)` in it. Where
nobody asks both do nothing, for a fraction of a microsecond.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from recommender import spans

Told = int | float | str | None | Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage that ran, how long, and what it says of what it did."""

    name: str
    milliseconds: float
    notes: Mapping[str, Told]


@dataclass(slots=True)
class Recorder:
    """The stages of one request, in the order in which they began."""

    _stages: list[Stage] = field(default_factory=list)
    _notes: list[dict[str, Told]] = field(default_factory=list)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those that have ended."""
        return tuple(self._stages)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record a stage, whatever becomes of it."""
        notes: dict[str, Told] = {}
        place, began = len(self._stages), time.perf_counter()
        self._notes.append(notes)
        try:
            with spans.told.stage(name):
                yield
        finally:
            self._notes.pop()
            took = round(1000 * (time.perf_counter() - began), 3)
            self._stages.insert(place, Stage(name, took, notes))

    def note(self, notes: Mapping[str, Told]) -> None:
        """Say more of the stage that runs."""
        if self._notes:
            self._notes[-1].update(notes)


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record the stages of what runs in this block."""
    recorder = Recorder()
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def is_recording() -> bool:
    """Whether anybody asks: for what costs something to find out."""
    return _recorder.get() is not None


def stage(name: str) -> AbstractContextManager[object]:
    """A stage of the list that is being made."""
    recorder = _recorder.get()
    return spans.told.stage(name) if recorder is None else recorder.stage(name)


def note(**notes: Told) -> None:
    """What the stage that runs says of what it did: candidates by name, mostly."""
    spans.told.note(notes)
    recorder = _recorder.get()
    if recorder is not None:
        recorder.note(notes)
