"""A small shop with goods on its shelves."""

import pytest

from tests.recommender import goods
from tests.shop import Shop


@pytest.fixture
def shelved(shop: Shop) -> Shop:
    """The goods, as they were put."""
    return goods.shelve(shop)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """The goods, ready to be recommended."""
    return goods.stock(shop)
