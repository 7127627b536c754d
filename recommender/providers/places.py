"""Places for requests that wait for another machine, or decode pictures.

A provider or a picture's host that is slow, or pictures that are large, must stop embedding, not
recommending: some threads always stay free for the rest.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from embeddings.errors import Unavailable
from embeddings.spec import ModelSpec
from embeddings.types import Input

# A web process has two threads (`recommender.stack.service`).
_PLACES = 1
# Who asks while another is being answered waits so long, in seconds …
_PATIENCE = 0.25
# … but not at all where that has taken longer already: it is slow, and may stay so.
_SLOW = 1.0


class Slots:
    """So many at once; safe to share between threads."""

    def __init__(self, places: int) -> None:
        self._free = threading.BoundedSemaphore(places)
        self._taken_at = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Unavailable: none is free.
        """
        if not self._free.acquire(timeout=self._patience()):
            raise Unavailable(
                "Too many requests wait for another machine or read pictures; try again in a "
                "second.",
                retry_after=1,
                is_throttling=True,
            )
        self._taken_at = time.monotonic()
        try:
            yield
        finally:
            self._free.release()

    def _patience(self) -> float:
        return 0.0 if time.monotonic() - self._taken_at > _SLOW else _PATIENCE


_slots = Slots(_PLACES)


@contextmanager
def place(spec: ModelSpec, inputs: Sequence[Input]) -> Iterator[None]:
    """Hold a place where answering waits for another machine, or decodes pictures or videos.

    Raises:
        Unavailable: none is free.
    """
    if not spec.is_hosted and not any(source.images or source.video for source in inputs):
        yield
        return
    with _slots.taken():
        yield
