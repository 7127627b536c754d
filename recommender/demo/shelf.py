"""The store as a simulated shopper sees it: what is popular, and what appeals to a taste."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from recommender.demo.products import Product
from recommender.demo.tastes import Interest, Taste

# Popularity falls with rank as in Zipf's law, a little flattened at the head.
_ZIPF_EXPONENT, _ZIPF_OFFSET = 0.8, 4
# How far from their price level a shopper still looks, as a share of a category's price range.
_PRICE_TOLERANCE = 0.4


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products of a store by id, each with its popularity and its rank by price.

    Attributes:
        products: by id.
        popularity: by id; relative, more than 0.
        price_rank: by id; 0 for the cheapest of the product's category, 1 for the dearest.
        released: by id; when the product came into the store.
    """

    products: Mapping[str, Product]
    popularity: Mapping[str, float]
    price_rank: Mapping[str, float]
    released: Mapping[str, datetime]

    def appeal(self, taste: Taste, interest: Interest | None) -> dict[str, float]:
        """How likely a shopper is to look at each product; any product when without interest."""
        return {
            key: self.popularity[key] * self._price_fit(key, taste)
            for key, product in self.products.items()
            if interest is None or interest.covers(product)
        }

    def pick(
        self, appeal: Mapping[str, float], *, at: datetime, without: Collection[str], rng: Random
    ) -> Product | None:
        """A product drawn by its appeal, of those released by then; None where there is none."""
        keys = [key for key in appeal if self.released[key] <= at and key not in without]
        if not keys:
            return None
        return self.products[rng.choices(keys, [appeal[key] for key in keys])[0]]

    def _price_fit(self, key: str, taste: Taste) -> float:
        distance = (self.price_rank[key] - taste.price_level) / _PRICE_TOLERANCE
        return math.exp(-distance * distance / 2)


def fill(products: Sequence[Product], rng: Random) -> Shelf:
    """A shelf of products; which of them are popular is drawn from `rng`."""
    ranks = list(range(len(products)))
    rng.shuffle(ranks)
    return Shelf(
        products={product["id"]: product for product in products},
        popularity={
            product["id"]: (rank + _ZIPF_OFFSET) ** -_ZIPF_EXPONENT
            for product, rank in zip(products, ranks, strict=True)
        },
        price_rank=_price_ranks(products),
        released={
            product["id"]: datetime.fromisoformat(product["released_at"]) for product in products
        },
    )


def _price_ranks(products: Sequence[Product]) -> dict[str, float]:
    by_category: dict[str, list[Product]] = {}
    for product in products:
        by_category.setdefault(product["category"], []).append(product)
    ranks: dict[str, float] = {}
    for peers in by_category.values():
        peers.sort(key=lambda product: product["price"])
        top = max(len(peers) - 1, 1)
        ranks |= {product["id"]: rank / top for rank, product in enumerate(peers)}
    return ranks
