"""The sample store: hand-written products and the histories of simulated shoppers."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypedDict

from recommender.demo.placements import PLACEMENTS
from recommender.demo.products import Product, load_products
from recommender.demo.shoppers import Shopper, SimulatedEvent, shoppers, simulate

__all__ = [
    "PLACEMENTS",
    "SEED",
    "EventRow",
    "Product",
    "Shopper",
    "SimulatedEvent",
    "load_products",
    "read_events",
    "shoppers",
    "simulate",
]

SEED = 219
"""The seed of the sample store's histories."""


class EventRow(TypedDict):
    """An event as `POST /v1/events` and a JSON Lines import take it; `at` is ISO 8601."""

    id: str
    type: str
    user: str
    product: str
    at: str
    quantity: int | None


def read_events(*, end: datetime, seed: int = SEED) -> Iterator[EventRow]:
    """The sample store's histories up to `end` as JSON-ready rows, oldest first.

    Raises:
        ValueError: if `end` has no time zone.
    """
    for event in simulate(load_products(), seed=seed, end=end):
        yield EventRow(
            id=str(event.id),
            type=event.type,
            user=event.user,
            product=event.product,
            at=event.at.isoformat(),
            quantity=event.quantity,
        )
