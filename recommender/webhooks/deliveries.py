"""The life of a delivery: waiting, taken, and delivered, tried again or given up.

The time of the next attempt is data, as with feeds: whoever takes a delivery puts that off first,
so that one whose process died is sent again, with the same id.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from recommender.models import Webhook, WebhookDelivery
from recommender.webhooks.outbox import deliveries_wait

# Between attempts at a delivery; after the last of them it is given up.
PAUSES = (
    *(timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30)),
    *(timedelta(hours=2), timedelta(hours=5), timedelta(hours=10), timedelta(hours=10)),
)
MOST_ATTEMPTS = len(PAUSES) + 1
# Given up so many in a row, a webhook is stopped.
MOST_GIVEN_UP = 5
# A webhook that fails is left alone so long, twice as long each time.
_SHORTEST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
_LONGEST_ASKED = timedelta(hours=1)
# Longer than any attempt takes.
_LEASE = timedelta(minutes=1)
KEPT = timedelta(days=30)

_WAITING = WebhookDelivery.Status.WAITING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        status: what the receiver answered; None where it did not.
        text: the beginning of its answer, or why there is none.
        may_pass: whether it may work later.
        is_gone: whether the receiver says that it is no more.
        retry_after: seconds that it asks to be left alone.
    """

    status: int | None
    text: str
    may_pass: bool = False
    is_gone: bool = False
    retry_after: float = 0.0

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


def state(webhook: Webhook) -> str:
    """Of a webhook: active, failing, stopped or inactive."""
    if webhook.stopped_at is not None:
        return "stopped"
    if not webhook.is_active:
        return "inactive"
    return "failing" if webhook.failures else "active"


def is_due() -> bool:
    """Whether anything is to be sent now."""
    return _ready().exists()


def take(limit: int, but: Collection[int] = ()) -> list[WebhookDelivery]:
    """The oldest delivery that is due of each webhook, for this process to send now.

    Args:
        limit: how many at most.
        but: webhooks that are being sent to.
    """
    with transaction.atomic():
        oldest = _due().filter(webhook=OuterRef("pk")).order_by("next_at", "pk").values("pk")[:1]
        found = _ready().exclude(pk__in=but).annotate(oldest=Subquery(oldest))
        ids = list(found.order_by("retry_at", "pk").values_list("oldest", flat=True)[:limit])
        # One that is taken, or was deleted, meanwhile is not there any more.
        rows = _due().select_for_update(of=("self",), skip_locked=True).filter(pk__in=ids)
        deliveries = list(rows.select_related("webhook"))
        WebhookDelivery.objects.filter(pk__in=[row.pk for row in deliveries]).update(
            attempts=F("attempts") + 1, next_at=timezone.now() + _LEASE
        )
    for delivery in deliveries:
        delivery.attempts += 1
    return deliveries


def settle(delivery: WebhookDelivery, outcome: Outcome) -> None:
    """Write what came of an attempt, and what follows from it for the webhook."""
    now = timezone.now()
    tried: dict[str, object] = {
        "last_at": now,
        "last_status": outcome.status,
        "last_answer": outcome.text,
    }
    may_again = outcome.may_pass and delivery.attempts < MOST_ATTEMPTS
    if outcome.is_delivered:
        tried |= {"status": WebhookDelivery.Status.DELIVERED, "next_at": None}
    elif may_again:
        asked = min(timedelta(seconds=outcome.retry_after), _LONGEST_ASKED)
        tried["next_at"] = now + max(PAUSES[delivery.attempts - 1], asked)
    else:
        tried |= {"status": WebhookDelivery.Status.FAILED, "next_at": None}
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(pk=delivery.webhook_id).first()
        if webhook is None:
            return
        WebhookDelivery.objects.filter(pk=delivery.pk, status=_WAITING).update(**tried)
        if outcome.is_delivered:
            Webhook.objects.filter(pk=webhook.pk).update(failures=0, given_up=0, retry_at=None)
        else:
            _failed(webhook, outcome, is_given_up=not may_again)


def _failed(webhook: Webhook, outcome: Outcome, *, is_given_up: bool) -> None:
    """Leave a webhook alone for a while; stop it where nothing comes through."""
    now = timezone.now()
    rest = min(_SHORTEST_REST * 2 ** min(webhook.failures, 10), _LONGEST_REST)
    webhook.failures += 1
    webhook.given_up += is_given_up
    webhook.retry_at = now + max(rest, min(timedelta(seconds=outcome.retry_after), _LONGEST_ASKED))
    last = f"{outcome.status or 'No answer'}: {outcome.text}".strip(": ")
    if outcome.is_gone:
        webhook.stopped_at, webhook.stop_reason = now, f"The receiver says it is gone ({last})."
    elif webhook.given_up >= MOST_GIVEN_UP and webhook.stopped_at is None:
        webhook.stopped_at = now
        webhook.stop_reason = (
            f"{webhook.given_up} deliveries in a row were given up; the last answer: {last}"
        )
    webhook.save(update_fields=["failures", "given_up", "retry_at", "stopped_at", "stop_reason"])


def send_again(delivery: WebhookDelivery) -> None:
    """Have a delivery sent once more, with the same id, whatever became of it."""
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=_WAITING, attempts=0, next_at=timezone.now()
    )
    start_again(delivery.webhook)


def start_again(webhook: Webhook) -> None:
    """Have a webhook that fails, or was stopped for it, tried again now."""
    Webhook.objects.filter(pk=webhook.pk).update(
        failures=0, given_up=0, retry_at=None, stopped_at=None, stop_reason=""
    )
    deliveries_wait.send(Webhook)


def purge() -> int:
    """Remove the deliveries of before KEPT, whatever became of them; how many."""
    old = WebhookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT)
    return old.delete()[0]


def _due() -> "QuerySet[WebhookDelivery]":
    return WebhookDelivery.objects.filter(status=_WAITING, next_at__lte=timezone.now())


def _ready() -> "QuerySet[Webhook]":
    """The webhooks that may be sent to now and have something due."""
    rested = Q(retry_at=None) | Q(retry_at__lte=timezone.now())
    active = Webhook.objects.filter(rested, is_active=True, stopped_at=None)
    return active.filter(pk__in=_due().values("webhook"))
