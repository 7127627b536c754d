"""What is in a visitor's cart."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from recommender.models import Product
from recommender.shop import cards
from recommender.shop.visit import Visit


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a product."""

    product: Product
    quantity: int


def lines(visit: Visit) -> Sequence[Line]:
    """What is in the cart, of products that are still there."""
    cart = visit.visitor.cart(visit.catalog)
    if not cart:
        return []
    there = Product.objects.filter(catalog=visit.catalog, deleted_at=None)
    found = there.in_bulk(list(cart))
    return [Line(found[key], number) for key, number in cart.items() if key in found]


def total(of: Sequence[Line]) -> str:
    """What they cost together; "" where they are of several currencies or have no price."""
    currencies = {line.product.currency for line in of}
    if len(currencies) != 1 or any(line.product.price is None for line in of):
        return ""
    amounts = (Decimal(line.product.price or 0) * line.quantity for line in of)
    return cards.price_of(sum(amounts, Decimal()), currencies.pop())
