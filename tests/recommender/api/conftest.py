"""Callers of the shop over REST."""

import pytest

from recommender.catalog import keys
from recommender.models import ApiKey
from tests.recommender.api.client import Api
from tests.shop import Shop


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
