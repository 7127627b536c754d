"""A receiver, and webhooks of a shop that lead to it."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from recommender.models import Webhook
from tests.receiver import Receiver, receiver
from tests.shop import Shop


@pytest.fixture
def there(settings: LazySettings) -> Iterator[Receiver]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with receiver() as running:
        yield running


@pytest.fixture
def hook(shop: Shop, there: Receiver) -> Callable[..., Webhook]:
    """Makes a webhook that is told of all kinds, at a path of the receiver."""

    def make(path: str = "/", **fields: object) -> Webhook:
        name = f"hook{Webhook.objects.count()}"
        given = {"url": there.address(path), "kinds": Webhook.Kind.values, **fields}
        return Webhook.objects.create(catalog=shop.catalog, name=name, **given)

    return make
