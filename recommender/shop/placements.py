"""The rows of the shop's pages: each a list of the API, declared once."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from recommender.shop import ask, cards, cart, history
from recommender.shop.ask import Answer
from recommender.shop.cards import Card
from recommender.shop.visit import Visit

COUNT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A place on a page that shows a list.

    Attributes:
        operation: of the API, by its name.
        subject: what its address names: the visitor's user, the page's product, or nothing.
        more: members of the request beside those of all; None where there is nothing to ask.
        follows: whether it changes with what the visitor does.
        scenario: the placement of the API whose defaults and rules it has, where there is one.
    """

    name: str
    title: str
    operation: str
    subject: Callable[[Visit, str], str] = lambda _visit, _product: ""
    more: Callable[[Visit], Mapping[str, Any] | None] = lambda _visit: {}
    follows: bool = False
    scenario: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A placement's list, as a page shows it; one that follows the visitor may have nothing yet."""

    placement: Placement
    answer: Answer = field(default_factory=dict)
    cards: Sequence[Card] = ()
    common: str = ""  # the reason of all cards, where they have one in common

    @property
    def changed(self) -> int:
        """How many products were not in the list before."""
        return sum(card.is_new for card in self.cards)


def _user(visit: Visit, _: str) -> str:
    return visit.user


def _product(_: Visit, product: str) -> str:
    return product


def _unfinished(visit: Visit) -> Mapping[str, Any] | None:
    """Among what they looked at and did not buy."""
    seen = history.unfinished(visit.catalog, visit.user)
    if not seen:
        return None
    return {"user": visit.user, "exclude": ["purchased"], "filter": {"id": {"in": seen}}}


def _cart(visit: Visit) -> Mapping[str, Any] | None:
    products = [line.product.external_id for line in cart.lines(visit)]
    return {"user": visit.user, "cart": products} if products else None


FOR_YOU = Placement(
    name="for_you",
    title="For you",
    operation="for_user",
    subject=_user,
    follows=True,
    scenario="home",
)
HOME = (
    FOR_YOU,
    Placement(
        name="unfinished",
        title="Pick up where you left off",
        operation="recommendations",
        more=_unfinished,
        follows=True,
    ),
    Placement(name="trending", title="Trending", operation="trending"),
    Placement(name="new", title="New", operation="new"),
)
PRODUCT = (
    Placement(
        name="similar",
        title="Similar",
        operation="similar",
        subject=_product,
        scenario="product",
    ),
    Placement(name="goes_with", title="Goes with", operation="complements", subject=_product),
    Placement(
        name="together", title="Bought together", operation="bought_together", subject=_product
    ),
)
CART = (
    Placement(
        name="complete",
        title="Complete your order",
        operation="recommendations",
        more=_cart,
        scenario="cart",
    ),
)
PLACEMENTS: Mapping[str, Placement] = {one.name: one for one in (*HOME, *PRODUCT, *CART)}


def answer(visit: Visit, placement: Placement, product: str = "", **more: Any) -> Answer | None:
    """The API's answer for a placement; None where there is nothing to ask.

    Args:
        product: whose page it is on.
        more: members of the request beside the placement's.

    Raises:
        Problem: as the API's.
    """
    members = placement.more(visit)
    if members is None:
        return None
    asked = {"count": COUNT, "explain": True, "fields": cards.fields_of(visit.catalog)}
    subject = placement.subject(visit, product)
    members = {**asked, **members, **more}
    return ask.listed(
        visit.catalog, placement.operation, subject, scenario=placement.scenario, **members
    )


def row(visit: Visit, placement: Placement, product: str = "", was: Collection[str] = ()) -> Row:
    """The list of a placement; raises as `answer`.

    Args:
        product: whose page it is on.
        was: ids of the products that it showed before.
    """
    answered = answer(visit, placement, product)
    if answered is None:
        return Row(placement=placement)
    shown = cards.cards(visit, answered, was)
    reasons = {card.why for card in shown}
    common = reasons.pop() if len(reasons) == 1 else ""
    if common:
        shown = [replace(card, why="") for card in shown]
    return Row(placement=placement, answer=answered, cards=shown, common=common)


def rows(visit: Visit, placements: Collection[Placement], product: str = "") -> list[Row]:
    """Those of a page that have something to list; raises as `row`."""
    made = (row(visit, placement, product) for placement in placements)
    return [one for one in made if one.cards or one.placement.follows]
