"""Who looks at the shop: an id of their own, whom they play, and their carts, in a signed cookie.

Nothing of it is in the database, so strangers and robots make no rows by looking.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from recommender import demo
from recommender.catalog import sample
from recommender.models import Catalog

COOKIE = "kinship_visitor"
_SALT = "kinship.shop"
_SECONDS = 90 * 24 * 3600
_PREFIX = "visitor-"
# Browsers keep 4 KB of a cookie; a line of a cart takes some 12 bytes of it.
MOST_LINES, MOST_OF_ONE = 40, 99

Cart = Mapping[int, int]  # quantities by keys of products


@lru_cache(maxsize=1)
def simulated() -> Mapping[str, str]:
    """The sample store's simulated shoppers, one a taste: their ids, and what to call them."""
    first: dict[str, str] = {}
    for shopper in demo.shoppers(demo.SEED):
        names = [taste.name for taste in shopper.tastes]
        if names[0] not in {name.partition(",")[0] for name in first.values()}:
            first[shopper.external_id] = ", also a ".join(names)
    return first


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of the shop.

    Attributes:
        id: their own; it begins so that it is no id of a shop's own users.
        plays: the simulated shopper whom they are in the sample store; "" for themselves.
        carts: by catalog.
    """

    id: str
    plays: str = ""
    carts: Mapping[str, Cart] = field(default_factory=dict)

    @classmethod
    def new(cls) -> "Visitor":
        """One whom nobody knows."""
        return cls(_PREFIX + secrets.token_urlsafe(12))

    def may_play(self, catalog: Catalog) -> bool:
        """Whether others can be played there: only simulated shoppers can be, never users."""
        return catalog.name == sample.NAME

    def user(self, catalog: Catalog) -> str:
        """The id of the user who they are in a catalog."""
        is_simulated = self.may_play(catalog) and self.plays in simulated()
        return self.plays if is_simulated else self.id

    def name(self, catalog: Catalog) -> str:
        """What to call them."""
        return simulated().get(self.user(catalog), "yourself, anonymous")

    def cart(self, catalog: Catalog) -> Cart:
        """What they are about to buy."""
        return self.carts.get(catalog.name, {})

    def with_line(self, catalog: Catalog, product: int, quantity: int) -> "Visitor":
        """The same with so many of a product in the cart, the latest last; none for 0."""
        lines = {key: number for key, number in self.cart(catalog).items() if key != product}
        if quantity > 0:
            lines[product] = min(quantity, MOST_OF_ONE)
        kept = dict(list(lines.items())[-MOST_LINES:])
        return replace(self, carts={**self.carts, catalog.name: kept})

    def without_cart(self, catalog: Catalog) -> "Visitor":
        """The same after the check-out."""
        carts = {name: cart for name, cart in self.carts.items() if name != catalog.name}
        return replace(self, carts=carts)


def read(request: HttpRequest) -> Visitor | None:
    """The visitor of a request; None for one who is new, or whose cookie is not ours."""
    try:
        told = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_SECONDS)
        return _visitor(told)
    except (signing.BadSignature, KeyError, TypeError, ValueError, AttributeError):
        return None


def _visitor(told: Any) -> Visitor:
    carts = {
        str(name): {int(key): int(number) for key, number in cart.items()}
        for name, cart in told["carts"].items()
    }
    return Visitor(str(told["id"]), str(told["plays"]), carts)


def keep(visitor: Visitor, response: HttpResponse) -> None:
    """Have the browser remember them."""
    told = {"id": visitor.id, "plays": visitor.plays, "carts": visitor.carts}
    response.set_cookie(
        COOKIE,
        signing.dumps(told, salt=_SALT, compress=True),
        max_age=_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
