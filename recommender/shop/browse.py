"""Going through a catalog: by category, and by words, a picture and what is being typed."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from recommender.api.problems import Problem
from recommender.shop import ask, cards, shelves, views
from recommender.shop.ask import Answer
from recommender.shop.shelves import Choice
from recommender.shop.visit import Visit, shop_view

_COUNT = 24
_FACETS = ["brand", "price"]
_ORDERS = {"": "Best for you", "price": "Cheapest first", "-price": "Dearest first"}
_MOST_WORDS = 200  # characters of a search
_MOST_PICTURE = 8 << 20  # bytes


@require_safe
@shop_view
def category(visit: Visit, path: str) -> HttpResponse:
    """What is in a category, to the visitor's taste, narrowed by what they chose."""
    if "\x00" in path:
        raise _no_category(path)
    brand, price = (visit.request.GET.get(name, "") for name in ("brand", "price"))
    facets = shelves.facets_of(visit.catalog, path)
    if not facets["category"].buckets:
        raise _no_category(path)
    answer = ask.listed(
        visit.catalog,
        "recommendations",
        user=visit.user,
        category=path,
        exclude=[],
        filter=shelves.narrowed(brand, price) or None,
        count=_COUNT,
        fields=cards.fields_of(visit.catalog),
        explain=True,
    )
    counted = {
        name: [shelves.as_answered(bucket) for bucket in facets[name].buckets] for name in _FACETS
    }
    told = {
        "heading": path.rpartition("/")[2],
        "trail": views.trail(visit, path)[:-1],
        "children": [
            (child.rpartition("/")[2], visit.url("c", child))
            for child in shelves.children(facets["category"], path)
        ],
        **_narrowing(counted, brand, price),
    }
    return visit.page("browse", told | _products(visit, answer))


@require_safe
@shop_view
def search(visit: Visit) -> HttpResponse:
    """What is found for words."""
    given = visit.request.GET
    words = given.get("q", "").replace("\x00", " ").strip()[:_MOST_WORDS]
    if not words:
        return visit.page("browse", {"heading": "Search", "asks": True, "words": ""})
    brand, price = (given.get(name, "") for name in ("brand", "price"))
    order = given.get("order", "") if given.get("order") in _ORDERS else ""
    answer = _found(
        visit,
        q=words,
        filter=shelves.narrowed(brand, price) or None,
        sort=[order] if order else [],
        facets=_FACETS,
        highlight=True,
    )
    if leads := answer.get("redirect"):
        return redirect(leads["address"] or visit.url("c", leads["category"]))
    counted = {one["field"]: one["buckets"] for one in answer["facets"]["fields"]}
    told = {
        "heading": f"“{words}”",
        "words": words,
        "meant": answer["query"]["meant"],
        "orders": [(value, label, value == order) for value, label in _ORDERS.items()],
        **_narrowing(counted, brand, price, q=words),
    }
    return visit.page("browse", told | _products(visit, answer))


@require_POST
@shop_view
def by_picture(visit: Visit) -> HttpResponse:
    """What looks like a picture; a text beside it narrows nothing, and counts, too."""
    given = visit.request.FILES.get("picture")
    if given is None or not given.size:
        raise Problem(400, "invalid", "Choose a picture first.")
    if given.size > _MOST_PICTURE:
        detail = f"The picture has more than {_MOST_PICTURE >> 20} MB; take a smaller one."
        raise Problem(413, "too-large", detail)
    data = base64.b64encode(given.read()).decode()
    answer = _found(visit, picture=f"data:image/jpeg;base64,{data}")
    blind = answer["degraded"].get("picture") == "no_space"
    told = {"heading": "Like your picture", "words": "", "is_blind": blind}
    return visit.page("browse", told | _products(visit, answer))


@require_safe
@shop_view
def suggest(visit: Visit) -> HttpResponse:
    """What is being typed may become."""
    words = visit.request.GET.get("q", "").replace("\x00", " ").strip()[:_MOST_WORDS]
    found = ask.suggested(visit.catalog, words, visit.user) if words else []
    told = [{**one, "url": _suggested(visit, one)} for one in found]
    return visit.page("suggestions", {"suggestions": told})


def _suggested(visit: Visit, one: Mapping[str, Any]) -> str:
    if one["kind"] == "product":
        return visit.url("p", one["id"])
    if one["kind"] == "category":
        return visit.url("c", one["text"])
    return f"{visit.url('search')}?{urlencode({'q': one['text']})}"


def _found(visit: Visit, **members: Any) -> Answer:
    return ask.listed(
        visit.catalog,
        "search",
        scenario="search",
        user=visit.user,
        count=_COUNT,
        fields=cards.fields_of(visit.catalog),
        explain=True,
        **members,
    )


def _products(visit: Visit, answer: Answer) -> dict[str, Any]:
    return {
        "answer": answer,
        "cards": cards.cards(visit, answer),
        "may_go_on": len(answer["items"]) == _COUNT,
    }


def _narrowing(
    counted: Mapping[str, Any], brand: str, price: str, **kept: str
) -> dict[str, list[tuple[str, str, list[Choice]]] | dict[str, str]]:
    """The facets as forms have them: a title, a name, and what there is to choose."""
    return {
        "kept": kept,
        "facets": [
            ("Brand", "brand", shelves.brands(counted["brand"], brand)),
            ("Price", "price", shelves.prices(counted["price"], price)),
        ],
    }


def _no_category(path: str) -> Problem:
    return Problem(404, "unknown-category", f"There is nothing in a category {path!r}.")
