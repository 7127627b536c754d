"""The sample store, read and simulated once for all of its tests."""

from datetime import UTC, datetime

import pytest

from recommender.demo import Product, SimulatedEvent, load_products, simulate

SEED = 7
END = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def products() -> list[Product]:
    return load_products()


@pytest.fixture(scope="session")
def by_id(products: list[Product]) -> dict[str, Product]:
    return {product["id"]: product for product in products}


@pytest.fixture(scope="session")
def events(products: list[Product]) -> list[SimulatedEvent]:
    return list(simulate(products, seed=SEED, end=END))
