"""The shop's front door, a product's page, and the rows of both."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from recommender.api import problems
from recommender.models import Product
from recommender.shop import ask, cards, events, placements
from recommender.shop.visit import ShopRequest, Visit, answered, shop_view, shown_catalogs

_UNITS = {"cm": "cm", "g": "g", "h": "h", "l": "l", "ml": "ml", "mm": "mm", "w": "W", "c": "°C"}


@require_safe
def front(request: ShopRequest) -> HttpResponse:
    """The home page of the one catalog that is shown; of several, the choice; else the admin."""
    shown = shown_catalogs()
    if not shown:
        return redirect("admin:index")
    if len(shown) == 1:
        return answered(request, shown[0], _home)
    return render(request, "shop/choose.html", {"catalogs": shown})


def _home(visit: Visit) -> HttpResponse:
    rows = placements.rows(visit, placements.HOME)
    return visit.page("home", {"rows": rows, "is_empty": not any(row.cards for row in rows)})


home = require_safe(shop_view(_home))


@require_safe
@shop_view
def row(visit: Visit, placement: str) -> HttpResponse:
    """A row that follows the visitor anew, with what was not in it before marked."""
    wanted = placements.PLACEMENTS.get(placement)
    if wanted is None or not wanted.follows:
        raise Http404
    made = placements.row(visit, wanted, was=visit.request.GET.getlist("product"))
    return visit.page("row", {"row": made, "is_anew": True})


@require_safe
@shop_view
def product(visit: Visit, product_id: str) -> HttpResponse:
    """A product, what is like it, and what goes with it."""
    if "\x00" in product_id:
        raise problems.unknown_product(product_id)
    found = Product.objects.filter(
        catalog=visit.catalog, external_id=product_id, deleted_at=None
    ).first()
    if found is None:
        raise problems.unknown_product(product_id)
    shown = (*placements.PRODUCT, placements.FOR_YOU)
    return visit.page(
        "product",
        {
            "product": found,
            "card": cards.of_product(visit, found),
            "attributes": _attributes(visit, found),
            "trail": trail(visit, found.category),
            "rec_id": events.reference(visit.request.GET.get("rec_id", "")) or "",
            "rows": placements.rows(visit, shown, found.external_id),
        },
    )


@require_safe
@shop_view
def more(visit: Visit, rec_id: UUID) -> HttpResponse:
    """The page after a list's."""
    answer = ask.following(visit.catalog, rec_id)
    told = {"answer": answer, "cards": cards.cards(visit, answer)}
    return visit.page("more" if visit.is_part else "more_page", told)


def trail(visit: Visit, category: str) -> list[tuple[str, str]]:
    """The categories that lead to one, from the top: names and addresses."""
    parts = [part for part in category.split("/") if part]
    return [
        (part, visit.url("c", "/".join(parts[: place + 1]))) for place, part in enumerate(parts)
    ]


def _attributes(visit: Visit, product: Product) -> list[tuple[str, str]]:
    """What may be read of a product beside its fields, in words."""
    return [
        _in_words(name, value)
        for name, value in sorted(product.attributes.items())
        if cards.is_public(visit.catalog, name) and not isinstance(value, dict)
    ]


def _in_words(name: str, value: Any) -> tuple[str, str]:
    """An attribute's name and value; the end of a name can be the unit."""
    stem, _, end = name.rpartition("_")
    unit = _UNITS.get(end, "") if stem else ""
    label = (stem if unit else name).replace("_", " ")
    if isinstance(value, bool):
        return label, "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return label, f"{text} {unit}".strip()
