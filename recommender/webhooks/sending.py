"""Sending what waits: several webhooks at once, each one delivery at a time.

A receiver that is slow holds one thread of one task for some seconds, then is left alone.
"""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from django.conf import settings

from embeddings.errors import Rejected, Unavailable
from embeddings.media.connection import TimeLimits
from embeddings.media.posting import Posted, post
from recommender.locks import session_lock
from recommender.models import WebhookDelivery
from recommender.webhooks import deliveries, signing
from recommender.webhooks.deliveries import Outcome

TIMES = TimeLimits(connect=3.0, read=5.0, total=8.0)
_THREADS = 16
# While some are under way, what is new is looked for so often.
_LOOK_SECONDS = 0.2

_LOCK = 7_310_042
# Beside every 5xx.
_TRY_LATER = frozenset({408, 425, 429})
_GONE = 410


def send_due(seconds: float) -> bool:
    """Send what is due, for so many seconds; whether more is due then.

    One process does so at a time; another one returns at once.
    """
    if not deliveries.is_due():
        return False
    with session_lock("webhook deliveries", _LOCK) as lock:
        if lock is None:
            return False
        with ThreadPoolExecutor(_THREADS, "webhook") as pool:
            _pump(pool, time.monotonic() + seconds)
    return deliveries.is_due()


def _pump(pool: ThreadPoolExecutor, until: float) -> None:
    under_way: dict[Future[Outcome], WebhookDelivery] = {}
    while True:
        if time.monotonic() < until:
            busy = {delivery.webhook_id for delivery in under_way.values()}
            for delivery in deliveries.take(_THREADS - len(under_way), busy):
                under_way[pool.submit(_attempt, delivery)] = delivery
        if not under_way:
            return
        done, _ = wait(under_way, _LOOK_SECONDS, FIRST_COMPLETED)
        for attempt in done:
            deliveries.settle(under_way.pop(attempt), attempt.result())


def _attempt(delivery: WebhookDelivery) -> Outcome:
    """Post a delivery; no part of this asks the database."""
    webhook, body = delivery.webhook, delivery.body.encode()
    signed = signing.headers(webhook.secret, delivery.message_id, int(time.time()), body)
    try:
        posted = post(
            webhook.url,
            body,
            {"Content-Type": "application/json", **signed},
            TIMES,
            allowed_hosts=settings.MEDIA_HOSTS,
        )
    except Unavailable as exc:
        return Outcome(None, str(exc), may_pass=True)
    except Rejected as exc:
        return Outcome(None, str(exc))
    return _outcome(posted)


def _outcome(posted: Posted) -> Outcome:
    asked = posted.headers.get("retry-after", "")
    return Outcome(
        posted.status,
        posted.text,
        may_pass=posted.status >= 500 or posted.status in _TRY_LATER,
        is_gone=posted.status == _GONE,
        retry_after=float(asked[:9]) if asked.isascii() and asked.isdigit() else 0.0,
    )
