"""Loading a model once a process."""

import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T")

_loading = threading.Lock()


def loaded(load: Callable[[], T]) -> T:
    """What `load` gives; it is called at the first use, and once for all threads."""
    # The cache alone would let two threads load the same model at once.
    with _loading:
        model: T = _load_once(load)
    return model


@cache
def _load_once(load: Callable[[], T]) -> T:
    return load()
