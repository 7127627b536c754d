import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from django.conf import LazySettings
from django.utils import timezone

from kinship_client import webhooks
from recommender.models import Webhook, WebhookDelivery
from recommender.webhooks import deliveries, outbox, sending
from recommender.webhooks.deliveries import MOST_ATTEMPTS, MOST_GIVEN_UP, PAUSES
from tests.receiver import Receiver
from tests.shop import Shop

Hook = Callable[..., Webhook]
FEED = Webhook.Kind.FEED


def tell(shop: Shop, **data: object) -> None:
    outbox.tell(shop.catalog.pk, FEED, data)


def last() -> WebhookDelivery:
    return WebhookDelivery.objects.latest("pk")


def wait(by: timedelta) -> None:
    """Have so much time pass for what waits."""
    for delivery in WebhookDelivery.objects.exclude(next_at=None):
        WebhookDelivery.objects.filter(pk=delivery.pk).update(next_at=delivery.next_at - by)
    for webhook in Webhook.objects.exclude(retry_at=None):
        Webhook.objects.filter(pk=webhook.pk).update(retry_at=webhook.retry_at - by)


def test_what_happened_is_posted_signed_as_standard_webhooks_say(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    webhook = hook("/in?from=kinship")
    tell(shop, error="Gone away.")

    assert sending.send_due(5) is False

    (post,) = there.posts
    assert post.path == "/in?from=kinship"
    assert post.headers["Content-Type"] == "application/json"
    told = orjson.loads(post.body)
    assert told["type"] == "feed.failed"
    assert told["catalog"] == "shop"
    assert told["data"] == {"error": "Gone away."}

    head = {name: post.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature")}
    assert abs(int(head["timestamp"]) - time.time()) < 60
    key = base64.b64decode(webhook.secret.removeprefix("whsec_"))
    signed = f"{head['id']}.{head['timestamp']}.".encode() + post.body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert head["signature"] == f"v1,{digest}"
    assert webhooks.verify(webhook.secret, post.headers, post.body)["data"] == told["data"]

    delivery = last()
    assert delivery.status == "delivered"
    assert (delivery.attempts, delivery.last_status) == (1, 204)
    assert delivery.message_id == head["id"]
    # Whoever comes next has nothing to do.
    assert sending.send_due(5) is False
    assert len(there.posts) == 1


def test_only_who_is_told_of_such_is_told(shop: Shop, hook: Hook, there: Receiver) -> None:
    hook("/budget", kinds=["budget.reached"])
    hook("/off", is_active=False)
    hook("/stopped", stopped_at=timezone.now())
    hook("/feed", kinds=["feed.failed", "training.done"])
    Webhook.objects.create(
        catalog=Shop.open("other").catalog, name="a", url=there.address("/other"), kinds=[FEED]
    )
    tell(shop)
    sending.send_due(5)
    assert [post.path for post in there.posts] == ["/feed"]


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_what_may_pass_is_tried_again_later_with_the_same_id(
    shop: Shop, hook: Hook, there: Receiver, status: int
) -> None:
    hook("/in")
    there.answers["/in"] = status
    tell(shop)
    sending.send_due(5)

    delivery = last()
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("waiting", 1, status)
    assert delivery.last_answer == "Thus it is."
    assert delivery.next_at is not None
    assert delivery.next_at > timezone.now() + PAUSES[0] / 2
    assert deliveries.is_due() is False

    there.answers.clear()
    wait(PAUSES[0])
    sending.send_due(5)
    assert last().status == "delivered"
    first, second = there.posts
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert deliveries.state(Webhook.objects.get()) == "active"


@pytest.mark.parametrize("status", [302, 400, 401, 404])
def test_what_will_not_pass_is_given_up_at_once(
    shop: Shop, hook: Hook, there: Receiver, status: int
) -> None:
    hook("/in")
    there.answers["/in"] = status
    there.headers["Location"] = there.address("/elsewhere")
    tell(shop)
    sending.send_due(5)
    assert (last().status, last().last_status) == ("failed", status)
    assert [post.path for post in there.posts] == ["/in"]


def test_a_receiver_says_for_how_long_it_is_left_alone(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    hook("/in")
    there.answers["/in"] = 429
    there.headers["Retry-After"] = "1800"
    tell(shop)
    tell(shop)
    sending.send_due(5)
    wait(timedelta(minutes=29))
    assert deliveries.is_due() is False
    assert len(there.posts) == 1
    wait(timedelta(minutes=2))
    assert deliveries.is_due() is True


def test_a_delivery_is_given_up_after_its_attempts(shop: Shop, hook: Hook, there: Receiver) -> None:
    hook("/in")
    there.answers["/in"] = 500
    tell(shop)
    for _ in range(MOST_ATTEMPTS + 2):
        sending.send_due(5)
        wait(timedelta(days=1))
    assert len(there.posts) == MOST_ATTEMPTS
    assert (last().status, last().attempts) == ("failed", MOST_ATTEMPTS)


def test_a_webhook_is_stopped_where_nothing_comes_through_and_started_again_by_a_person(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    hook("/in")
    there.answers["/in"] = 404
    for _ in range(MOST_GIVEN_UP + 1):
        tell(shop)
    for _ in range(MOST_GIVEN_UP + 1):
        sending.send_due(5)
        wait(timedelta(hours=1))

    stopped = Webhook.objects.get()
    assert deliveries.state(stopped) == "stopped"
    assert stopped.stop_reason == (
        "5 deliveries in a row were given up; the last answer: 404: Thus it is."
    )
    assert len(there.posts) == MOST_GIVEN_UP
    tell(shop)
    assert WebhookDelivery.objects.count() == MOST_GIVEN_UP + 1

    there.answers.clear()
    deliveries.start_again(stopped)
    sending.send_due(5)
    assert deliveries.state(Webhook.objects.get()) == "active"
    assert last().status == "delivered"


def test_a_receiver_that_is_gone_stops_its_webhook_at_once(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    hook("/in")
    there.answers["/in"] = 410
    tell(shop)
    sending.send_due(5)
    assert Webhook.objects.get().stop_reason.startswith("The receiver says it is gone (410")


def test_a_slow_receiver_keeps_no_other_waiting_and_is_left_alone(
    shop: Shop, hook: Hook, there: Receiver, settings: LazySettings
) -> None:
    slow, quick = hook("/slow"), hook("/quick")
    there.slow.add("/slow")
    for number in range(3):
        tell(shop, number=number)
    sending.send_due(1)

    arrived = [post.path for post in there.posts]
    assert arrived.count("/quick") == 3
    assert arrived.count("/slow") == 1
    told = WebhookDelivery.objects.filter(webhook=quick)
    assert {delivery.status for delivery in told} == {"delivered"}
    first = WebhookDelivery.objects.filter(webhook=slow).earliest("pk")
    assert "did not answer in time" in first.last_answer
    # The quick ones were not written after it.
    assert first.last_at is not None
    assert all(one.last_at is not None and one.last_at < first.last_at for one in told)
    assert deliveries.is_due() is False


@pytest.mark.parametrize("host", ["127.0.0.1:1", "10.0.0.7", "[::1]", "169.254.169.254"])
def test_a_private_address_is_refused_as_for_feeds(
    shop: Shop, hook: Hook, settings: LazySettings, host: str
) -> None:
    settings.MEDIA_HOSTS = frozenset()
    hook(url=f"http://{host}/in")
    tell(shop)
    sending.send_due(5)
    assert last().status == "failed"
    assert "is not on the public internet" in last().last_answer


def test_nobody_there_is_tried_again(shop: Shop, hook: Hook, settings: LazySettings) -> None:
    hook(url="http://127.0.0.1:1/in")
    tell(shop)
    sending.send_due(5)
    assert last().status == "waiting"
    assert "connection to 127.0.0.1 failed" in last().last_answer


def test_what_a_killed_process_had_taken_is_sent_again(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    hook("/in")
    tell(shop)
    (taken,) = deliveries.take(5)
    sending.send_due(5)
    assert there.posts == []

    wait(timedelta(minutes=2))
    sending.send_due(5)
    (post,) = there.posts
    assert post.headers["webhook-id"] == taken.message_id
    assert last().attempts == 2


def test_what_is_old_is_forgotten(shop: Shop, hook: Hook) -> None:
    hook()
    tell(shop)
    tell(shop)
    old = WebhookDelivery.objects.earliest("pk")
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert deliveries.purge() == 1
    assert WebhookDelivery.objects.get() != old


def test_a_webhook_that_is_deleted_while_it_is_sent_to_leaves_nothing(
    shop: Shop, hook: Hook, there: Receiver
) -> None:
    webhook = hook()
    tell(shop)
    (taken,) = deliveries.take(5)
    webhook.delete()
    deliveries.settle(taken, deliveries.Outcome(204, ""))
    assert WebhookDelivery.objects.count() == 0
