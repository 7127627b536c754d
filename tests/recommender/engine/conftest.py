"""The stocked shop."""

import pytest

from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    return goods.stock(shop)
