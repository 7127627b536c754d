"""The sample store's products: written by hand, one JSON object a line, as the API takes them."""

import json
from pathlib import Path
from typing import TypedDict

PRODUCTS_FILE = Path(__file__).with_name("products.jsonl")


class Product(TypedDict):
    """A product as `PUT /v1/products/{id}` takes it.

    `price` is in `currency`, `released_at` is ISO 8601 in UTC. An attribute keeps one type in the
    whole store; the end of its name gives the unit (`weight_g`, `length_cm`, `battery_h`).
    """

    id: str
    title: str
    description: str
    brand: str
    category: str
    price: float
    currency: str
    in_stock: bool
    released_at: str
    attributes: dict[str, str | int | bool]


def load_products() -> list[Product]:
    """Every product of the sample store, in the order of its file: category by category."""
    with PRODUCTS_FILE.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
