"""A stocked shop to look at."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.catalog.catalogs import products_changed
from recommender.history import popularity
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, Product, User
from tests.shop import Shop

PRODUCTS = (
    {"id": "mug-1", "title": "Blue enamel mug", "category": "Home/Kitchen", "brand": "Emalia"},
    {"id": "mug-2", "title": "Red enamel mug", "category": "Home/Kitchen", "brand": "Emalia"},
    {"id": "mug-3", "title": "Enamel mug with lid", "category": "Home/Kitchen", "brand": "Tinn"},
    {"id": "tent-1", "title": "Tent for two", "category": "Outdoor", "brand": "Nord"},
    {"id": "tent-2", "title": "Tent for four", "category": "Outdoor", "brand": "Nord"},
)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Five products with fresh vectors; `ann` bought a mug yesterday, after seeing a tent."""
    shop.put(*({**product, "price": 12.5, "currency": "EUR"} for product in PRODUCTS))
    shop.embed()
    at = timezone.now() - timedelta(days=1)
    shop.visit("ann", "tent-1", at=at - timedelta(hours=1))
    shop.post(NewEvent(type="purchase", user="ann", product="mug-1", at=at, quantity=3))
    popularity.refresh(shop.catalog)
    return shop


@pytest.fixture
def catalog(shop: Shop) -> Catalog:
    return shop.catalog


@pytest.fixture
def mug(shop: Shop) -> Product:
    return shop.product("mug-1")


@pytest.fixture
def ann(shop: Shop) -> User:
    return shop.user("ann")


@pytest.fixture
def announced() -> Iterator[list[int]]:
    """The spaces that workers were told of."""
    told: list[int] = []

    def listen(space_ids: list[int], **_: object) -> None:
        told.extend(space_ids)

    products_changed.connect(listen)
    yield told
    products_changed.disconnect(listen)
