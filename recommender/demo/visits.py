"""What simulated shoppers do with lists: they look, click what suits them, and buy some of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from recommender.demo.products import Product
from recommender.demo.shoppers import Shopper

WEEKS = 8
# Of what is seen; further down a list less is.
_CLICKED, _CLICKED_UNLIKE, _WORN_BY_RANK = 0.16, 0.015, 0.25
_CARTED, _BOUGHT, _BY_ANOTHER_WAY = 0.35, 0.4, 0.3
_SECONDS_A_CLICK = 40


@dataclass(frozen=True, slots=True)
class Reaction:
    """Something that a shopper does with a product of a list; the fields of an event."""

    type: str
    product: str
    at: datetime
    names_list: bool  # whether it says which list led there


def looks(shopper: Shopper, end: datetime, rng: Random) -> Iterator[datetime]:
    """When a shopper sees a list, in the weeks before `end`; those who shop more look more."""
    for _ in range(1 + shopper.visits // 4):
        back = rng.random() * timedelta(weeks=WEEKS)
        yield (end - timedelta(hours=2) - back).replace(microsecond=0)


def react(
    shopper: Shopper, listed: Sequence[Product], at: datetime, rng: Random
) -> Iterator[Reaction]:
    """What a shopper does with the products of a list, the first first."""
    for rank, product in enumerate(listed):
        seen = at + timedelta(seconds=2 + rank)
        yield Reaction("impression", product["id"], seen, True)
        suits = any(taste.covers(product) for taste in shopper.tastes)
        chance = (_CLICKED if suits else _CLICKED_UNLIKE) / (1 + _WORN_BY_RANK * rank)
        if rng.random() < chance:
            yield from _follow(product["id"], seen, rng)


def _follow(product: str, seen: datetime, rng: Random) -> Iterator[Reaction]:
    at = seen + timedelta(seconds=_SECONDS_A_CLICK)
    yield Reaction("click", product, at, True)
    if rng.random() >= _CARTED:
        return
    # Whoever comes back by another way sends no rec_id: the last touch tells.
    names_list = rng.random() >= _BY_ANOTHER_WAY
    yield Reaction("add_to_cart", product, at + timedelta(seconds=_SECONDS_A_CLICK), names_list)
    if rng.random() < _BOUGHT:
        yield Reaction("purchase", product, at + timedelta(minutes=20), names_list)
