"""Callers of the embedding endpoints."""

import pytest

from recommender.catalog import catalogs
from recommender.models import ApiKey
from tests.recommender.api.client import Api
from tests.recommender.api.embeddings.client import Embeddings
from tests.shop import Shop


@pytest.fixture
def embed(shop: Shop) -> Embeddings:
    """A key of the shop that may only embed."""
    return Embeddings(Api(catalogs.create_key(shop.catalog, ApiKey.Scope.EMBED)))
