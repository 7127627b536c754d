"""The goods of a small shop: four kinds, each with words, a category and a brand of its own."""

from typing import Any

from recommender.catalog import attributes
from recommender.models import Space
from recommender.spaces import lifecycle, switching
from tests.shop import Shop

KINDS = {
    "mug": "Home/Kitchen/Mugs",
    "lamp": "Home/Light/Lamps",
    "spade": "Garden/Tools",
    "puzzle": "Toys/Puzzles",
}
COLOURS = ("red", "green", "blue", "white", "black", "yellow")
DECLARED = {"colour": "string", "grams": "number", "fragile": "boolean", "tags": "strings"}


def goods() -> list[dict[str, Any]]:
    """Six products of each kind: `mug-red` to `puzzle-yellow`."""
    return [
        _product(kind, category, place, colour)
        for kind, category in KINDS.items()
        for place, colour in enumerate(COLOURS)
    ]


def shelve(shop: Shop) -> Shop:
    """Put the goods on the shelves."""
    attributes.declare(shop.catalog, DECLARED)
    shop.put(*goods())
    return shop


def stock(shop: Shop) -> Shop:
    """Put the goods on the shelves, and give them their vectors and an index."""
    shelve(shop).embed()
    assert lifecycle.finish(shop.space.pk)
    return shop


def by_colour(shop: Shop) -> Space:
    """A finished second version of the shop's space, in which all that is red is alike."""
    space = lifecycle.create_space(
        shop.catalog, model="fake", dimension=256, template="{attributes.colour}"
    )
    shop.embed(space)
    assert lifecycle.finish(space.pk)
    return space


def replace(old: Space, new: Space) -> None:
    """Switch to the new version and retire the old one."""
    switching.activate(new)
    lifecycle.retire(old)


def _product(kind: str, category: str, place: int, colour: str) -> dict[str, Any]:
    return {
        "id": f"{kind}-{colour}",
        "title": f"{colour.capitalize()} {kind}",
        "description": f"A {kind} like every other {kind}, but {colour}.",
        "category": category,
        "brand": f"{kind.capitalize()} Works",
        "price": 10.0 + 5 * place,
        "currency": "EUR",
        "attributes": {
            "colour": colour,
            "grams": 100 * (place + 1),
            "fragile": kind in ("mug", "lamp"),
            "tags": [kind, "gift"] if place % 2 else [kind],
        },
    }
