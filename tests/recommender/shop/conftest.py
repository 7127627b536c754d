"""A shop with goods that is shown, and who looks at it."""

import pytest
from django.test import Client

from recommender.models import Catalog, Event
from tests.recommender import goods
from tests.shop import Shop

HOME = "/shop/shop/"


@pytest.fixture
def shown(shop: Shop) -> Shop:
    """The goods, in a shop that everybody sees."""
    Catalog.objects.filter(pk=shop.catalog.pk).update(in_shop=True)
    return goods.stock(shop)


@pytest.fixture
def browser() -> Client:
    """Somebody new; what is raised is a 500 for them, too."""
    return Client(raise_request_exception=False)


def told(shop: Shop) -> list[tuple[str, str | None]]:
    """The events of the catalog, oldest first: type and product."""
    events = Event.objects.filter(catalog=shop.catalog).order_by("at")
    return list(events.values_list("type", "product__external_id"))
