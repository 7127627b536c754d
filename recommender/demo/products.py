"""The sample store's products: written by hand, one JSON object a line, as the API takes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

PRODUCTS_FILE = Path(__file__).with_name("products.jsonl")

# Categories whose products run out, and after how many days one is bought again.
_RESTOCK_DAYS: Mapping[str, float] = {
    "Food & Drink/Coffee": 21,
    "Food & Drink/Tea": 38,
    "Food & Drink/Pantry": 40,
    "Pets/Cat food & Litter": 16,
    "Pets/Dog food": 26,
    "Baby/Nappies & Wipes": 13,
    "Sport/Nutrition": 28,
}


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


def is_under(product: Product, category: str) -> bool:
    """Whether the product's category is this path or lies below it."""
    return f"{product['category']}/".startswith(f"{category}/")


def restock_days(product: Product) -> float | None:
    """After how many days the product has run out; None for what lasts."""
    return next(
        (days for category, days in _RESTOCK_DAYS.items() if is_under(product, category)), None
    )
