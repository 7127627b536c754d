"""What happens soon after a change is committed, and when a worker starts.

Only for speed: whatever is lost here, the sweeps find.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import structlog
from celery.signals import worker_process_init, worker_ready
from django.db import transaction
from kombu import Producer, pools
from kombu.exceptions import OperationalError as BrokerError

from recommender.catalog import feeds
from recommender.catalog.catalogs import products_changed
from recommender.importing import uploads
from recommender.insight import evaluations
from recommender.insight import runs as insight_runs
from recommender.spaces import lifecycle, staleness
from recommender.training import runs
from recommender.webhooks.outbox import deliveries_wait
from workers import process, tasks
from workers.app import app

log = structlog.get_logger()

_PAUSE_SECONDS = 2.0
# A request waits no longer for a broker that hangs; workers, which need it, have more patience.
_BROKER_SECONDS = 1.0


@dataclass(slots=True)
class _Outage:
    """A broker that did not answer is left alone for a while; then one request tries again."""

    is_on: bool = False
    until: float = 0.0


_outage = _Outage()


def connect() -> None:
    """Listen for changes, for what is asked for, and for the start of a worker's processes."""
    products_changed.connect(_embed_soon, dispatch_uid="embed soon")
    runs.training_requested.connect(_train_soon, dispatch_uid="train soon")
    evaluations.evaluation_requested.connect(_evaluate_soon, dispatch_uid="evaluate soon")
    insight_runs.insight_requested.connect(_find_out_soon, dispatch_uid="find out soon")
    feeds.feed_requested.connect(_fetch_soon, dispatch_uid="fetch soon")
    uploads.upload_requested.connect(_import_soon, dispatch_uid="import soon")
    deliveries_wait.connect(_tell_soon, dispatch_uid="tell soon")
    worker_ready.connect(_take_up_work, dispatch_uid="take up work")
    worker_process_init.connect(_settle, dispatch_uid="settle")


def _embed_soon(space_ids: list[int], **_: Any) -> None:
    for space_id in space_ids:
        transaction.on_commit(partial(_embed, space_id))


def _train_soon(catalog_id: int, **_: Any) -> None:
    transaction.on_commit(partial(_train, catalog_id))


def _evaluate_soon(catalog_id: int, **_: Any) -> None:
    transaction.on_commit(partial(_evaluate, catalog_id))


def _find_out_soon(run_id: int, **_: Any) -> None:
    transaction.on_commit(partial(_find_out, run_id))


def _fetch_soon(feed_id: int, **_: Any) -> None:
    transaction.on_commit(partial(_fetch, feed_id))


def _import_soon(upload_id: int, **_: Any) -> None:
    transaction.on_commit(partial(_import, upload_id))


def _tell_soon(**_: Any) -> None:
    transaction.on_commit(_tell)


def _embed(space_id: int) -> None:
    _send(
        lambda producer: tasks.embed_space.apply_async((space_id, time.time()), producer=producer),
        "broker unavailable, the sweep will embed",
        space=space_id,
    )


def _train(catalog_id: int) -> None:
    # By its name: the task's module loads all that trains, which the web has no use for.
    _send(
        lambda producer: app.send_task("workers.train", [catalog_id], producer=producer),
        "broker unavailable, the sweep will train",
        catalog=catalog_id,
    )


def _evaluate(catalog_id: int) -> None:
    _send(
        lambda producer: app.send_task("workers.evaluate", [catalog_id], producer=producer),
        "broker unavailable, the nightly task will evaluate",
        catalog=catalog_id,
    )


def _find_out(run_id: int) -> None:
    # By its name, as training: the web has no use for what computes.
    _send(
        lambda producer: app.send_task("workers.insight", [run_id], producer=producer),
        "broker unavailable, the sweep will find out",
        run=run_id,
    )


def _fetch(feed_id: int) -> None:
    # By its name, as training: the web has no use for what reads files.
    _send(
        lambda producer: app.send_task("workers.fetch_feed", [feed_id], producer=producer),
        "broker unavailable, the sweep will fetch",
        feed=feed_id,
    )


def _import(upload_id: int) -> None:
    _send(
        lambda producer: app.send_task("workers.import_upload", [upload_id], producer=producer),
        "broker unavailable, the sweep will import",
        upload=upload_id,
    )


def _tell() -> None:
    _send(
        lambda producer: app.send_task("workers.send_webhooks", producer=producer),
        "broker unavailable, the sweep will tell webhooks",
    )


def _send(send: Callable[[Producer], object], warning: str, **subject: int) -> None:
    """What was written is safe: a broker that is down must not make the request fail."""
    now = time.monotonic()
    if now < _outage.until:
        return
    if _outage.is_on:
        _outage.until = now + _PAUSE_SECONDS
    try:
        with _producers().acquire(block=True) as producer:
            send(producer)
    except BrokerError as exc:
        _outage.is_on, _outage.until = True, time.monotonic() + _PAUSE_SECONDS
        log.warning(warning, error=str(exc), **subject)
    else:
        _outage.is_on, _outage.until = False, 0.0


@cache
def _producers() -> Any:
    patience = {
        "socket_timeout": _BROKER_SECONDS,
        "socket_connect_timeout": _BROKER_SECONDS,
        "max_retries": 0,
    }
    return pools.producers[app.connection_for_write(transport_options=patience)]


def _take_up_work(sender: Any, **_: Any) -> None:
    """Give back what this worker had claimed before it was killed, and start at once."""
    staleness.release_owner(sender.hostname)
    lifecycle.try_again()
    tasks.heartbeat.delay()
    tasks.sweep_embeddings.delay()


def _settle(**_: Any) -> None:
    process.settle()
