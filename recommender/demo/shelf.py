"""The store as a simulated shopper sees it, and one shopper's visits to it."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from recommender.demo.products import Product, restock_days
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


# No visit lasts longer, so one that starts this long before the end ends before it.
LONGEST_VISIT = timedelta(hours=1)

_MOST_VIEWS = 10
_MEAN_FURTHER_VIEWS = 2.4
_CHANGE_INTEREST, _STRAY = 0.2, 0.08
_ADD_TO_CART, _ADD_STRAY_TO_CART = 0.3, 0.08
_BOOKMARK, _LIKE, _CHECK_OUT = 0.04, 0.03, 0.6
_RESTOCK, _VIEW_BEFORE_RESTOCK = 0.85, 0.4


@dataclass(frozen=True, slots=True)
class Action:
    """Something a shopper did with a product; `quantity` only of what went into a cart."""

    at: datetime
    type: str
    product: str
    quantity: int | None = None


@dataclass(slots=True)
class Visitor:
    """A shopper in the store, who remembers what they have: it is not shopped for twice.

    A visit begins with something they care for, the first one with what they care for most.
    """

    tastes: tuple[Taste, ...]
    shelf: Shelf
    end: datetime
    rng: Random
    owned: set[str] = field(default_factory=set)
    is_new: bool = True

    def visit(self, at: datetime) -> Iterator[Action]:
        """A visit that starts at a time: views, some of them to the cart, and a checkout."""
        cart: list[Action] = []
        seen: set[str] = set()
        taste, interest = self._come_for()
        for view in range(self._views()):
            if view and self.rng.random() < _CHANGE_INTEREST:
                taste, interest = self._turn_to()
            stray = view > 0 and self.rng.random() < _STRAY
            appeal = self.shelf.appeal(taste, None if stray else interest)
            product = self.shelf.pick(appeal, at=at, without=self.owned | seen, rng=self.rng)
            if product is None:
                continue
            seen.add(product["id"])
            for action in self._look_at(product, at, _ADD_STRAY_TO_CART if stray else _ADD_TO_CART):
                if action.type == "add_to_cart":
                    cart.append(action)
                at = action.at
                yield action
            at += self._pause()
        yield from self._check_out(cart, at)

    def _come_for(self) -> tuple[Taste, Interest]:
        """What a visit begins with."""
        if not self.is_new:
            return self._turn_to()
        self.is_new = False
        taste = self.tastes[0]
        return taste, max(taste.interests, key=lambda interest: interest.weight)

    def _turn_to(self) -> tuple[Taste, Interest]:
        """An interest of theirs; the first taste is turned to twice as often as the second."""
        taste = self.rng.choices(self.tastes, [2.0, 1.0][: len(self.tastes)])[0]
        weights = [interest.weight for interest in taste.interests]
        return taste, self.rng.choices(taste.interests, weights)[0]

    def _views(self) -> int:
        return min(1 + int(self.rng.expovariate(1 / _MEAN_FURTHER_VIEWS)), _MOST_VIEWS)

    def _look_at(self, product: Product, at: datetime, add_to_cart: float) -> Iterator[Action]:
        key = product["id"]
        yield Action(at, "view", key)
        for kind, chance in (("bookmark", _BOOKMARK), ("like", _LIKE)):
            if self.rng.random() < chance:
                at += timedelta(seconds=self.rng.randint(5, 40))
                yield Action(at, kind, key)
        if self.rng.random() < add_to_cart:
            at += timedelta(seconds=self.rng.randint(5, 40))
            yield Action(at, "add_to_cart", key, self._quantity(product))

    def _quantity(self, product: Product) -> int:
        return 1 if restock_days(product) is None else self.rng.choices((1, 2, 3), (6, 3, 1))[0]

    def _check_out(self, cart: list[Action], at: datetime) -> Iterator[Action]:
        if self.rng.random() > _CHECK_OUT:
            return
        for added in cart:
            self.owned.add(added.product)
            purchase = Action(at, "purchase", added.product, added.quantity)
            yield purchase
            yield from self._restock(purchase)

    def _restock(self, purchase: Action) -> Iterator[Action]:
        """Buying what ran out, again and again, until another shop or another habit wins."""
        days = restock_days(self.shelf.products[purchase.product])
        at = purchase.at
        while days is not None and self.rng.random() < _RESTOCK:
            # In whole days and a little, so that they come at the hours they shop at.
            at += timedelta(
                days=round(days * self.rng.uniform(0.75, 1.3)), minutes=self.rng.randint(-60, 60)
            )
            if at > self.end - LONGEST_VISIT:
                return
            if self.rng.random() < _VIEW_BEFORE_RESTOCK:
                yield Action(at, "view", purchase.product)
                at += self._pause()
            yield Action(at, "add_to_cart", purchase.product, purchase.quantity)
            at += self._pause()
            yield Action(at, "purchase", purchase.product, purchase.quantity)

    def _pause(self) -> timedelta:
        return timedelta(seconds=self.rng.randint(15, 150))
