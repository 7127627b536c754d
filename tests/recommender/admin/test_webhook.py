from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.models import Catalog, Webhook, WebhookDelivery
from recommender.webhooks import outbox, sending
from tests.receiver import Receiver, receiver

from . import page

LIST = "admin:recommender_webhook_changelist"
DELIVERIES = reverse("admin:recommender_webhookdelivery_changelist")


@pytest.fixture
def there(settings: LazySettings) -> Iterator[Receiver]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with receiver() as running:
        yield running


@pytest.fixture
def webhook(catalog: Catalog, there: Receiver) -> Webhook:
    return Webhook.objects.create(
        catalog=catalog, name="backend", url=there.address(), kinds=["feed.failed"]
    )


def at(webhook: Webhook, view: str = "change") -> str:
    return reverse(f"admin:recommender_webhook_{view}", args=[webhook.pk])


def press(client: Client, webhook: Webhook, button: str) -> str:
    """What the page says after a button was pressed and confirmed."""
    address = at(webhook, button)
    assert client.get(address).status_code == 200
    return page.text(client.post(address, follow=True))


def test_a_webhook_is_made_and_listed(admin_client: Client, catalog: Catalog) -> None:
    add = reverse("admin:recommender_webhook_add")
    given = {
        "catalog": catalog.pk,
        "name": "backend",
        "url": "https://shop.example/in",
        "kinds": ["feed.failed", "budget.reached"],
        "secret": Webhook._meta.get_field("secret").get_default(),
        "is_active": "on",
    }
    assert "whsec_" in admin_client.get(add).content.decode()
    wrong = page.text(admin_client.post(add, given | {"secret": "hush", "url": "ftp://a"}))
    assert "24 to 64 bytes in base64" in wrong
    assert "Give an http or https address" in wrong

    assert admin_client.post(add, given).status_code == 302
    text = page.text(admin_client.get(reverse(LIST)))
    assert "backend shop https://shop.example/in feed.failed, budget.reached Active" in text


def test_a_test_is_sent_and_the_page_shows_what_came_of_it(
    admin_client: Client, webhook: Webhook, there: Receiver
) -> None:
    assert "It was told nothing yet." in page.text(admin_client.get(at(webhook)))
    there.answers["/"] = 503
    assert "A test is on its way" in press(admin_client, webhook, "send_test")
    sending.send_due(1)

    text = page.text(admin_client.get(at(webhook)))
    assert "Failing" in text
    assert "1 attempt in a row failed" in text
    assert "503 Thus it is." in text

    there.answers.clear()
    chosen = {"action": "send_again", "_selected_action": [WebhookDelivery.objects.get().pk]}
    answer = page.text(admin_client.post(DELIVERIES, chosen, follow=True))
    assert "1 delivery is sent again." in answer
    sending.send_due(1)
    assert "webhook.test backend shop" in page.text(admin_client.get(DELIVERIES))
    assert "Delivered 1 204" in page.text(admin_client.get(DELIVERIES))
    one = reverse(
        "admin:recommender_webhookdelivery_change", args=[WebhookDelivery.objects.get().pk]
    )
    assert '"type":"webhook.test"' in page.text(admin_client.get(one))
    assert len(there.posts) == 2


def test_one_that_was_stopped_says_why_and_is_started_again(
    admin_client: Client, webhook: Webhook
) -> None:
    Webhook.objects.update(stopped_at=timezone.now(), stop_reason="The receiver says it is gone.")
    text = page.text(admin_client.get(at(webhook)))
    assert "Stopped" in text
    assert "The receiver says it is gone." in text
    assert "is tried again now" in press(admin_client, webhook, "start_again")
    assert "Active" in page.text(admin_client.get(at(webhook)))


def test_who_may_only_look_neither_sees_the_secret_nor_sends(
    client: Client, webhook: Webhook
) -> None:
    outbox.tell_test(webhook)
    viewer = User.objects.create_user("viewer", is_staff=True)
    names = ("view_webhook", "view_webhookdelivery")
    viewer.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(viewer)
    shown = client.get(at(webhook)).content.decode()
    assert webhook.url in shown
    assert webhook.secret not in shown
    assert client.post(at(webhook, "send_test")).status_code == 403
    chosen = {"action": "send_again", "_selected_action": [WebhookDelivery.objects.get().pk]}
    client.post(DELIVERIES, chosen)
    assert WebhookDelivery.objects.count() == 1
