"""A small shop with goods on its shelves."""

import pytest
from hypothesis import settings

from tests.recommender import goods
from tests.shop import Shop

# A busy machine must fail no property, and no run depends on an earlier one.
settings.register_profile("suite", deadline=None, database=None)
settings.load_profile("suite")


@pytest.fixture
def shelved(shop: Shop) -> Shop:
    """The goods, as they were put."""
    return goods.shelve(shop)


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """The goods, ready to be recommended."""
    return goods.stock(shop)
