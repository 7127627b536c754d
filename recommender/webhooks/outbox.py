"""What is to be told is written in the transaction of what happened, and sent after it.

The transactional outbox (Richardson, Microservices Patterns, 2018): neither is told what was rolled
back, nor is forgotten what was committed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from recommender.models import Webhook, WebhookDelivery

TEST = "webhook.test"

# Sent when deliveries wait; maybe inside a transaction.
deliveries_wait = Signal()


def tell(
    catalog_id: int, kind: Webhook.Kind, data: Mapping[str, Any], *, key: str | None = None
) -> int:
    """Write that something happened to the outbox of each webhook that is told of such.

    Call it in the transaction that makes it so.

    Args:
        data: what happened, as JSON has it; a receiver gets it with kind, time and catalog.
        key: of what is told once however often it happens.

    Returns:
        How many webhooks there are to tell.
    """
    listening = Webhook.objects.filter(
        catalog=catalog_id, is_active=True, stopped_at=None, kinds__contains=[kind.value]
    )
    return len(_write(list(listening.select_related("catalog")), kind.value, data, key))


def tell_test(webhook: Webhook) -> WebhookDelivery:
    """Have a webhook told that it works, if it does."""
    data = {"webhook": webhook.name, "text": "This is a test."}
    return _write([webhook], TEST, data, None)[0]


def _write(
    webhooks: Sequence[Webhook], kind: str, data: Mapping[str, Any], key: str | None
) -> list[WebhookDelivery]:
    now = timezone.now()
    deliveries = [
        WebhookDelivery(
            webhook=webhook,
            kind=kind,
            key=key,
            created_at=now,
            next_at=now,
            body=orjson.dumps(
                {
                    "type": kind,
                    "timestamp": now.isoformat().replace("+00:00", "Z"),
                    "catalog": webhook.catalog.name,
                    "data": data,
                }
            ).decode(),
        )
        for webhook in webhooks
    ]
    if deliveries:
        with transaction.atomic():
            # Rows have their numbers where none is left out.
            WebhookDelivery.objects.bulk_create(deliveries, ignore_conflicts=key is not None)
            deliveries_wait.send(Webhook)
    return deliveries
