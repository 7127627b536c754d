"""What happens soon after a change is committed, and when a worker starts.

Only for speed: whatever is lost here, the sweeps find.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from celery.signals import worker_process_init, worker_ready
from django.db import transaction
from kombu.exceptions import OperationalError as BrokerError

from recommender.catalogue import changes
from recommender.spaces import staleness
from workers import process, tasks

log = structlog.get_logger()

_PAUSE_SECONDS = 2.0


@dataclass(slots=True)
class _Outage:
    """A broker that did not answer is left alone for a while: only one request waits for it."""

    until: float = 0.0


_outage = _Outage()


def connect() -> None:
    """Listen for changed products and for the start of a worker and of its processes."""
    changes.products_changed.connect(_embed_soon, dispatch_uid="embed soon")
    worker_ready.connect(_take_up_work, dispatch_uid="take up work")
    worker_process_init.connect(_settle, dispatch_uid="settle")


def _embed_soon(space_ids: list[int], **_: Any) -> None:
    for space_id in space_ids:
        transaction.on_commit(partial(_send, space_id))


def _send(space_id: int) -> None:
    """What was written is safe: a broker that is down must not make the request fail."""
    if time.monotonic() < _outage.until:
        return
    try:
        tasks.embed_space.delay(space_id, time.time())
    except BrokerError as exc:
        _outage.until = time.monotonic() + _PAUSE_SECONDS
        log.warning("broker unavailable, the sweep will embed", space=space_id, error=str(exc))


def _take_up_work(sender: Any, **_: Any) -> None:
    """Give back what this worker had claimed before it was killed, and start at once."""
    staleness.release_owner(f"{sender.hostname}:")
    tasks.heartbeat.delay()
    tasks.sweep_embeddings.delay()


def _settle(**_: Any) -> None:
    process.settle()
