"""What happens reaches a receiver by the broker, and by the sweep where it does not."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from recommender.models import Webhook, WebhookDelivery
from recommender.spaces import lifecycle
from tests.receiver import Receiver, receiver
from tests.shop import Shop
from tests.workers.broker import Broker, run_task, run_twice
from workers import webhooks as tasks


@pytest.fixture
def there(settings: LazySettings) -> Iterator[Receiver]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with receiver() as running:
        yield running


def listening(shop: Shop, there: Receiver) -> Webhook:
    return Webhook.objects.create(
        catalog=shop.catalog, name="all", url=there.address(), kinds=Webhook.Kind.values
    )


def test_what_happened_is_sent_once_it_is_committed_though_messages_come_twice(
    committed_shop: Shop, broker: Broker, there: Receiver
) -> None:
    listening(committed_shop, there)
    lifecycle.pause(committed_shop.space, "No key.")
    assert there.posts == []

    assert broker.work(run_twice) == ["send_webhooks"]
    assert len(there.posts) == 1
    assert WebhookDelivery.objects.get().status == "delivered"


def test_a_lost_message_is_made_up_by_the_sweep(
    committed_shop: Shop, broker: Broker, there: Receiver
) -> None:
    listening(committed_shop, there)
    lifecycle.pause(committed_shop.space, "No key.")
    broker.take()

    tasks.send_webhooks()
    assert len(there.posts) == 1
    assert broker.work(run_task) == []


def test_old_deliveries_are_forgotten_by_a_task(committed_shop: Shop, there: Receiver) -> None:
    listening(committed_shop, there)
    lifecycle.pause(committed_shop.space, "No key.")
    WebhookDelivery.objects.update(created_at="2020-01-01T00:00:00Z")
    tasks.purge_webhooks()
    assert not WebhookDelivery.objects.exists()
