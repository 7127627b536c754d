"""Users who stay with one colour: what they buy later is what a space of colours recommends."""

from tests.recommender import goods
from tests.shop import DAY, NOON, Shop

KINDS = tuple(goods.KINDS)
LATER = NOON + 30 * DAY


def shop_by_colour(shop: Shop, users: int) -> None:
    """Each user views three kinds of one colour, and a month later the fourth kind of it."""
    for number in range(users):
        colour = goods.COLOURS[number % len(goods.COLOURS)]
        kinds = [KINDS[(number + step) % len(KINDS)] for step in range(len(KINDS))]
        *before, after = [f"{kind}-{colour}" for kind in kinds]
        shop.visit(f"u{number}", *before)
        shop.visit(f"u{number}", after, at=LATER)
