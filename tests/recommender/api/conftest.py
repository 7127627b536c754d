"""The stocked shop over REST."""

import pytest

from recommender.catalogue import keys
from recommender.models import ApiKey
from tests.recommender import goods
from tests.recommender.api.client import Api
from tests.shop import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    return goods.stock(shop)


@pytest.fixture
def api(shop: Shop) -> Api:
    """The shop's server key."""
    return Api(keys.create_key(shop.catalog, ApiKey.Scope.SERVER))


@pytest.fixture
def browser(shop: Shop) -> Api:
    """The shop's browser key."""
    return Api(keys.create_key(shop.catalog, ApiKey.Scope.BROWSER))


@pytest.fixture
def stranger(db: None) -> Api:
    """The server key of another catalogue."""
    return Api(keys.create_key(Shop.open("elsewhere").catalog, ApiKey.Scope.SERVER))
