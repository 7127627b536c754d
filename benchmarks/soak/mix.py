"""The mixed traffic: lists that are asked for, events, and changes of products."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx

from benchmarks import generated, load

_A_REQUEST = 1_000
# Of a hundred requests; the rest are events.
_SIMILAR, _RECOMMENDATIONS, _PRICES, _TITLES = 40, 40, 4, 1


@dataclass(frozen=True, slots=True)
class Mix:
    """What a service is asked, by whom."""

    url: str
    key: str
    products: Sequence[generated.Product]
    users: int

    def requests(self, seed: int) -> Iterator[bytes]:
        """Requests without end; none is twice the same write."""
        random = Random(seed)
        makers = [self._similar] * _SIMILAR + [self._recommendations] * _RECOMMENDATIONS
        makers += [self._price] * _PRICES + [self._title] * _TITLES
        makers += [self._event] * (100 - len(makers))
        while True:
            yield random.choice(makers)(random)

    def _similar(self, random: Random) -> bytes:
        product = random.choice(self.products)
        return load.request(self.url, f"/v1/products/{product.id}/similar?count=20", self.key)

    def _recommendations(self, random: Random) -> bytes:
        user = random.randrange(self.users)
        path = f"/v1/users/user-{user}/recommendations?count=20"
        return load.request(self.url, path, self.key)

    def _price(self, random: Random) -> bytes:
        return self._change(random, {"price": random.randrange(1, 100_000) / 100})

    def _title(self, random: Random) -> bytes:
        return self._change(random, {"title": f"Product {random.randrange(1 << 40)}"})

    def _change(self, random: Random, members: dict[str, Any]) -> bytes:
        path = f"/v1/products/{random.choice(self.products).id}"
        return load.request(self.url, path, self.key, "PATCH", json.dumps(members).encode())

    def _event(self, random: Random) -> bytes:
        event = {
            "type": random.choice(("view", "view", "view", "add_to_cart", "purchase")),
            "user": f"user-{random.randrange(self.users)}",
            "product": random.choice(self.products).id,
        }
        return load.request(self.url, "/v1/events", self.key, "POST", json.dumps(event).encode())


def fill(client: httpx.Client, products: int, users: int) -> list[generated.Product]:
    """Send generated products, and twenty events of each user; the products."""
    store = generated.store(products, dimension=2)
    made = list(store.products())
    _post(client, "/v1/products/bulk", [_product(product) for product in made])
    _post(client, "/v1/events", [_event(e) for e in store.events(users, datetime.now(UTC))])
    return made


def _post(client: httpx.Client, path: str, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _A_REQUEST):
        client.post(path, json=rows[start : start + _A_REQUEST]).raise_for_status()


def _product(product: generated.Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "title": product.title,
        "brand": product.brand,
        "category": product.category,
        "price": product.price,
        "in_stock": product.in_stock,
    }


def _event(event: generated.Event) -> dict[str, Any]:
    return {
        "user": event.user,
        "product": event.product,
        "type": event.type,
        "at": event.at.isoformat(),
    }
