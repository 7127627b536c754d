"""Products as the shop shows them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from recommender.catalog import sample
from recommender.demo import pictures
from recommender.models import Catalog, Product
from recommender.shop.ask import Answer
from recommender.shop.visit import Visit

_SIGNS: Mapping[str, str] = {"EUR": "€", "GBP": "£", "USD": "$"}
_FIELDS = ("title", "price", "currency", "category", "brand", "image_urls")
_COLOUR = "colour"
_MOST_TITLE = 120  # characters


@dataclass(frozen=True, slots=True)
class Picture:
    """A product's picture: its address, or where there is none a drawing and its tone."""

    address: str
    kind: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A product in a list. `why` is the API's one reason; `is_new`: it was not there before."""

    id: str
    url: str
    title: str | SafeString
    price: str
    picture: Picture
    why: str = ""
    is_new: bool = False


def fields_of(catalog: Catalog) -> list[str]:
    """The fields of products that cards show."""
    return [*_FIELDS, *([_COLOUR] if _shows_colour(catalog) else [])]


def _shows_colour(catalog: Catalog) -> bool:
    return _COLOUR in catalog.attributes and is_public(catalog, _COLOUR)


def is_public(catalog: Catalog, attribute: str) -> bool:
    """Whether whoever opens the shop may read an attribute: what browser keys may."""
    return catalog.name == sample.NAME or attribute in catalog.public_attributes


def cards(visit: Visit, answer: Answer, was: Collection[str] = ()) -> list[Card]:
    """The products of an answer; those are new that were not among the ids of before."""
    return list(_cards(visit, answer, was))


def _cards(visit: Visit, answer: Answer, was: Collection[str]) -> Iterator[Card]:
    for item in answer["items"]:
        fields = item["fields"]
        marked = item.get("highlights", {}).get("title")
        address = visit.url("p", item["id"])
        yield Card(
            id=item["id"],
            url=f"{address}?rec_id={answer['rec_id']}",
            # HTML that is safe, as the API says.
            title=mark_safe(marked) if marked else title_of(fields["title"], item["id"]),  # noqa: S308
            price=price_of(fields["price"], fields["currency"]),
            picture=picture_of(fields),
            why=item["why"].get("text", ""),
            is_new=bool(was) and item["id"] not in was,
        )


def of_product(visit: Visit, product: Product) -> Card:
    """A product that is in no list."""
    return Card(
        id=product.external_id,
        url=visit.url("p", product.external_id),
        title=title_of(product.title, product.external_id),
        price=price_of(product.price, product.currency),
        picture=picture_of(
            {
                "title": product.title,
                "image_urls": product.image_urls,
                "category": product.category,
                "brand": product.brand,
                _COLOUR: product.attributes.get(_COLOUR) if _shows_colour(visit.catalog) else None,
            }
        ),
    )


def title_of(title: str, product_id: str) -> str:
    """A title as long as a card takes."""
    words = title or product_id
    return words if len(words) <= _MOST_TITLE else f"{words[:_MOST_TITLE]}…"


def price_of(price: Any, currency: str) -> str:
    """A price as people write it; "" where there is none."""
    if price is None:
        return ""
    sign = _SIGNS.get(currency)
    return f"{sign}{price:,.2f}" if sign else f"{price:,.2f} {currency}".strip()


def picture_of(fields: Mapping[str, Any]) -> Picture:
    """The picture of a product with these fields."""
    addresses = fields.get("image_urls") or []
    colour = fields.get(_COLOUR)
    return Picture(
        address=addresses[0] if addresses else "",
        kind=pictures.kind_of(fields["category"], fields.get("title", "")),
        tone=pictures.tone_of(
            colour if isinstance(colour, str) else "", fields["brand"] or fields["category"]
        ),
    )
