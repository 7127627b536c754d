"""Histories with a known reason: users who keep to the products of one taste."""

from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from recommender.behaviour.interactions import Interactions
from recommender.history.ingest import NewEvent
from recommender.models import Catalog
from recommender.snapshot.reading import Products
from recommender.snapshot.snapshot import Snapshot, SpaceArrays
from recommender.training import splits
from recommender.training.behaviour import snapshot_as_of
from recommender.training.splits import Split
from tests.shop import DAY, NOON, Shop, event

# What a training does, in order.
STEPS = [
    "learner settings",
    "behaviour spaces",
    "popularity",
    "co-occurrence",
    "similar products",
    "ranker",
]
TASTES = 4
DAY_SECONDS = 86_400.0
START = NOON.timestamp()


def interactions(
    users: int = 80, products: int = 40, events: int = 12, days: float = 100.0, seed: int = 3
) -> Interactions:
    """Each user's events all over the time; of ten, nine are with products of the user's taste."""
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), events)
    chosen = random.integers(0, products // TASTES, len(user)) * TASTES + user % TASTES
    chosen = np.where(
        random.random(len(user)) < 0.9, chosen, random.integers(0, products, len(user))
    )
    times = START + np.sort(random.uniform(0, days * DAY_SECONDS, len(user)))
    order = random.permutation(len(user))
    return Interactions(
        users=user[order].astype(np.int32),
        products=chosen[order].astype(np.int32),
        weights=random.choice([1.0, 1.0, 3.0, -1.0], len(user)).astype(np.float32),
        times=times,
        n_users=users,
        n_products=products,
    )


def catalog(products: int = 40, seed: int = 4) -> Products:
    """Products of all tastes, with a price, a category for each taste, and a brand."""
    random = np.random.default_rng(seed)
    rows = np.arange(products)
    return Products(
        keys=rows * 10 + 7,
        ids=np.array([f"p{row}" for row in rows], dtype=object),
        available=np.ones(products, dtype=bool),
        prices=np.log(random.uniform(1, 50, products)).astype(np.float32),
        categories=(1 + rows % TASTES).astype(np.int32),
        brands=random.integers(0, 5, products).astype(np.int32),
        released=np.where(rows % 3 == 0, START - 30 * DAY_SECONDS, np.nan),
    )


def texts(products: int = 40, dimension: int = 12, seed: int = 5) -> SpaceArrays:
    """A space of content that tells tastes apart, not sharply."""
    random = np.random.default_rng(seed)
    vectors = random.normal(0, 0.4, (products, dimension))
    vectors[np.arange(products), np.arange(products) % TASTES] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return SpaceArrays(
        kind="text", name="text", metric="cosine", vectors=vectors.astype(np.float32)
    )


def snapshot(history: Interactions | None = None) -> Snapshot:
    """A catalog after these interactions, nothing learnt."""
    history = interactions() if history is None else history
    last = float(history.times[-1]) if len(history) else START
    return Snapshot(
        clock=last + 1.0,
        half_life_days=60.0,
        products=catalog(history.n_products),
        users=np.arange(history.n_users) + 1000,
        interactions=history,
        spaces=(texts(history.n_products),),
    )


def halfway(now: Snapshot) -> tuple[Split, Snapshot]:
    """What was known at three fifths of the history, and the catalog of then."""
    times = now.interactions.times
    split = splits.split_at(now.interactions, float(times[int(0.6 * len(times))]))
    return split, snapshot_as_of(now, split)


def taste_of(product: str) -> int:
    """Of a product of `open_shop`."""
    return int(product.removeprefix("p")) % TASTES


def open_shop(products: int = 40, name: str = "planted") -> Shop:
    """A shop of products p0, p1 …, whose now is its last event; their titles tell of no taste."""
    shop = Shop.open(name, clock=Catalog.Clock.LAST_EVENT)
    shop.stock(**{f"p{number}": f"Article {number * 7919 % 97}" for number in range(products)})
    shop.embed()
    return shop


def visits(
    shop: Shop,
    *,
    users: int = 60,
    products: int = 40,
    events: int = 8,
    begin: datetime = NOON,
    days: float = 60.0,
    by_taste: bool = True,
    seed: int = 6,
) -> None:
    """Users u0, u1 … view products, none twice, all over the time; by taste or by chance."""
    random = np.random.default_rng(seed)
    posted: list[NewEvent] = []
    for user in range(users):
        liked: NDArray[np.int64] = np.arange(products)
        if by_taste:
            liked = liked[liked % TASTES == user % TASTES]
        chosen = random.choice(liked, events, replace=False)
        for product, share in zip(chosen, random.random(events), strict=True):
            at = begin + timedelta(days=days * float(share))
            posted.append(event(f"u{user}", f"p{product}", at=at))
    assert set(shop.post(*posted)) == {"accepted"}


def at(days: float) -> datetime:
    """So many days after the first visits may begin."""
    return (NOON + days * DAY).astimezone(UTC)
