"""What a visitor does, told as events: views, likes, what goes into the cart, what was shown."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from recommender.shop import ask
from recommender.shop.visit import CHANGED, Visit, shop_view

_SHOWN, _SEARCHED = "impression", "search"
# What a page may tell by itself; the cart has addresses of its own.
_NOTICES = {
    "view": "",
    _SHOWN: "",
    _SEARCHED: "",
    "like": "You like it: the lists follow.",
    "dislike": "Less of this: the lists follow.",
}
_MOST_AT_ONCE = 50


def tell(
    visit: Visit,
    kind: str,
    products: Sequence[str],
    rec_id: str = "",
    quantity: int | None = None,
) -> int:
    """Send an event with each product, from the list that it was in; how many are taken."""
    told = [event(visit, kind, one, rec_id, quantity) for one in products[:_MOST_AT_ONCE]]
    return ask.tell(visit.catalog, told)


def event(
    visit: Visit, kind: str, product: str, rec_id: str = "", quantity: int | None = None
) -> Mapping[str, Any]:
    """What the visitor does with a product, as the API takes it."""
    return {
        "type": kind,
        "user": visit.user,
        "product": product,
        "quantity": quantity,
        "rec_id": reference(rec_id),
    }


def reference(given: str) -> str | None:
    """The id of a list, where it is one."""
    try:
        return str(UUID(given))
    except ValueError:
        return None


def changed(response: HttpResponse) -> HttpResponse:
    """Have the rows that follow the visitor ask for themselves anew."""
    response["HX-Trigger"] = CHANGED
    return response


@require_POST
@shop_view
def post(visit: Visit) -> HttpResponse:
    """An event with one product or several, by a page's form."""
    form = visit.request.POST
    kind, products = form.get("type", ""), form.getlist("product")
    if kind not in _NOTICES:
        return HttpResponse(status=400)
    if kind == _SEARCHED:
        told = {"type": kind, "user": visit.user, "query": form.get("query", "")}
        ask.tell(visit.catalog, [told])
        return HttpResponse(status=204)
    taken = tell(visit, kind, products, form.get("rec_id", ""))
    if not visit.request.htmx:
        return redirect(visit.url("p", products[0]) if products else visit.url())
    if not taken or kind == _SHOWN:
        return HttpResponse(status=204)
    if not _NOTICES[kind]:
        return changed(HttpResponse(status=204))
    return changed(visit.page("notice", {"notice": _NOTICES[kind]}))
