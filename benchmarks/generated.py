"""Generated products, vectors and histories: the same for the same seed and sizes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

BRANDS = tuple(f"Brand {number:03d}" for number in range(200))
CATEGORIES = tuple(f"Department {n // 10}/Aisle {n:02d}" for n in range(100))
BUCKETS = 100  # `bucket` below k holds for k in a hundred products

_SEED = 20
_WORDS = (
    *("blue", "large", "linen", "oak", "small", "stoneware", "travel", "woollen"),
    *("blanket", "chair", "coffee", "garden", "kettle", "lamp", "mug", "puzzle", "scarf", "tent"),
)
_WORDS_A_TITLE = 6
_CONSONANTS, _VOWELS, _ENDING = "bdfgklmnprst", "aeiou", "x"
_CLUSTERS = 1_000
# Length of the noise around a unit cluster centre: products of a cluster then have a cosine of
# about 1 / (1 + 0.8²) = 0.6 to each other.
_SPREAD = 0.8
_OUT_OF_STOCK = 0.02
_EVENTS_PER_USER = 20
_TASTES_PER_USER = 3
_OFF_TASTE = 0.1
_HISTORY = timedelta(days=60)
_EVENT_TYPES = {"view": 0.75, "add_to_cart": 0.15, "purchase": 0.10}


@dataclass(frozen=True, slots=True)
class Product:
    """A product as it is loaded; ids have one length, so that their order is that of numbers."""

    id: str
    title: str
    brand: str
    category: str
    price: float
    in_stock: bool
    bucket: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a user did."""

    user: str
    product: str
    type: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Store:
    """All that is generated.

    Attributes:
        clusters: each product's cluster, shape (products,).
        centres: unit rows, shape (clusters, dimension).
    """

    clusters: NDArray[np.int64]
    centres: NDArray[np.float32]

    def product_id(self, number: int) -> str:
        """The id of a product by its place; numbers of one length."""
        return str(10 ** len(str(len(self.clusters))) + number)

    def products(self) -> Iterator[Product]:
        """The products in the order of their ids; a category holds whole clusters."""
        rng = np.random.default_rng([_SEED, 1])
        number = len(self.clusters)
        brands = rng.integers(len(BRANDS), size=number)
        buckets = rng.integers(BUCKETS, size=number)
        prices = np.maximum(rng.lognormal(3.0, 1.0, size=number).round(2), 0.01)
        in_stock = rng.random(number) >= _OUT_OF_STOCK
        for place, cluster in enumerate(self.clusters.tolist()):
            yield Product(
                id=self.product_id(place),
                title=f"{' '.join(_title(cluster, place))} {place}",
                brand=BRANDS[brands[place]],
                category=CATEGORIES[cluster % len(CATEGORIES)],
                price=float(prices[place]),
                in_stock=bool(in_stock[place]),
                bucket=int(buckets[place]),
            )

    def vectors(self) -> Iterator[NDArray[np.float16]]:
        """Unit vectors in the order of the products, one by one; shape (dimension,)."""
        rng = np.random.default_rng([_SEED, 2])
        dimension = self.centres.shape[1]
        scale = _SPREAD / np.sqrt(dimension)
        for start in range(0, len(self.clusters), 10_000):
            rows = self.centres[self.clusters[start : start + 10_000]]
            noise = rng.standard_normal(rows.shape, dtype=np.float32)
            yield from _unit(rows + scale * noise).astype(np.float16)

    def events(self, users: int, end: datetime) -> Iterator[Event]:
        """Histories of users who mostly keep to a few clusters, from 60 days before `end` on."""
        rng = np.random.default_rng([_SEED, 3])
        by_cluster = _members(self.clusters)
        types, shares = list(_EVENT_TYPES), list(_EVENT_TYPES.values())
        for user in range(users):
            tastes = rng.choice(len(by_cluster), _TASTES_PER_USER)
            kinds = rng.choice(types, _EVENTS_PER_USER, p=shares)
            ages = rng.random(_EVENTS_PER_USER)
            for kind, age in zip(kinds, ages, strict=True):
                chosen = by_cluster[rng.choice(tastes)]
                off_taste = rng.random() < _OFF_TASTE
                number = rng.integers(len(self.clusters)) if off_taste else rng.choice(chosen)
                yield Event(
                    user=f"user-{user}",
                    product=self.product_id(int(number)),
                    type=str(kind),
                    at=end - _HISTORY * float(age),
                )


def word(number: int) -> str:
    """A made-up word, another for each number: `kalo`, `bimesa`."""
    syllables: list[str] = []
    while not syllables or number:
        number, left = divmod(number, len(_CONSONANTS) * len(_VOWELS))
        syllables.append(_CONSONANTS[left // len(_VOWELS)] + _VOWELS[left % len(_VOWELS)])
    return "".join(syllables) + _ENDING


def _title(cluster: int, place: int) -> tuple[str, str, str]:
    """A word that many clusters have, one of the cluster, and one of some of its products."""
    return word(cluster % 50), word(50 + cluster), word(2_000 + cluster * 7 + place % 7)


def store(products: int, dimension: int) -> Store:
    """A store of this size: a mixture of up to a thousand Gaussian clusters."""
    rng = np.random.default_rng([_SEED, 0])
    clusters = min(_CLUSTERS, max(1, products // 20))
    return Store(
        clusters=rng.integers(clusters, size=products),
        centres=_unit(rng.standard_normal((clusters, dimension), dtype=np.float32)),
    )


def titles(count: int) -> list[str]:
    """Short titles as shops have them, each different."""
    rng = np.random.default_rng([_SEED, 4])
    words = rng.choice(_WORDS, (count, _WORDS_A_TITLE))
    return [f"{' '.join(chosen)} {number}" for number, chosen in enumerate(words)]


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths


def _members(clusters: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The places of each cluster's products; clusters without any are left out."""
    order = np.argsort(clusters, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(clusters[order])) + 1)
