"""Callers of the shop over REST."""

import pytest

from recommender.catalog import catalogs
from recommender.models import ApiKey
from tests.recommender.api.client import Api
from tests.shop import Shop


@pytest.fixture
def api(shop: Shop) -> Api:
    """The shop's server key."""
    return Api(catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER))


@pytest.fixture
def browser(shop: Shop) -> Api:
    """The shop's browser key."""
    return Api(catalogs.create_key(shop.catalog, ApiKey.Scope.BROWSER))


@pytest.fixture
def stranger(db: None) -> Api:
    """The server key of another catalog."""
    return Api(catalogs.create_key(Shop.open("elsewhere").catalog, ApiKey.Scope.SERVER))
