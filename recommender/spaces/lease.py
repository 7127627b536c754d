"""Keeping the claims on a batch for as long as a worker is at it."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from django.db import OperationalError, connection

from recommender.spaces import staleness

log = structlog.get_logger()


@contextmanager
def kept(space_id: int, product_ids: Sequence[int], owner: str) -> Iterator[None]:
    """Renew these claims until the block ends, on a connection of a thread's own.

    A short block costs nothing: the first renewal comes after `staleness.RENEWAL`.
    """
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(space_id, product_ids, owner, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew(space_id: int, product_ids: Sequence[int], owner: str, ended: threading.Event) -> None:
    try:
        while not ended.wait(staleness.RENEWAL.total_seconds()):
            try:
                staleness.renew(space_id, product_ids, owner)
            except OperationalError as exc:
                # Several renewals fit into a lease: the next one may find the database back.
                log.warning("claims not renewed", space=space_id, error=str(exc))
    finally:
        connection.close()
