"""A request for a page of the shop: to which catalog, by whom; and the page it is answered with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django_htmx.middleware import HtmxDetails

from recommender.api.problems import TITLES, Problem
from recommender.models import Catalog
from recommender.shop import shelves
from recommender.shop import visitor as visitors
from recommender.shop.visitor import Visitor, simulated

# The event in the browser by which rows for the visitor ask for themselves anew.
CHANGED = "lists-changed"


class ShopRequest(HttpRequest):
    """A request as the middleware of the shop leaves it."""

    htmx: HtmxDetails


@dataclass(slots=True)
class Visit:
    """A request to a catalog's shop; a view that changes the visitor says so by `visitor`."""

    request: ShopRequest
    catalog: Catalog
    visitor: Visitor

    @property
    def user(self) -> str:
        """The user of the catalog whose events these are."""
        return self.visitor.user(self.catalog)

    @property
    def shoppers(self) -> Mapping[str, str]:
        """The simulated shoppers whom they may play: ids, and what to call them."""
        return simulated() if self.visitor.may_play(self.catalog) else {}

    @property
    def is_part(self) -> bool:
        """Whether htmx asks for a part of a page, and not for all of it."""
        return bool(self.request.htmx) and not self.request.htmx.history_restore_request

    def url(self, *parts: str) -> str:
        """An address of this catalog's shop; an id is one part, whatever is in it."""
        return "/".join(["/shop", self.catalog.name, *(quote(part, safe="") for part in parts)])

    def page(self, template: str, told: Mapping[str, Any], status: int = 200) -> HttpResponse:
        """A page, or the part of one."""
        context = {**self._told(), **told}
        if not self.is_part:
            context |= self._around()
        return render(self.request, f"shop/{template}.html", context, status=status)

    def _told(self) -> dict[str, Any]:
        """What all pages and parts of pages are told."""
        return {
            "visit": self,
            "catalog": self.catalog,
            "base_url": self.url(),
            "home_url": self.url(""),
            "user": self.user,
            "name": self.visitor.name(self.catalog),
            "is_simulated": self.user != self.visitor.id,
            "cart_size": sum(self.visitor.cart(self.catalog).values()),
        }

    def _around(self) -> dict[str, Any]:
        """What is around the content of a page."""
        return {
            "shoppers": self.shoppers,
            "catalogs": shown_catalogs(),
            "categories": [
                {"name": name, "url": self.url("c", name)} for name in shelves.top(self.catalog)
            ],
        }


View = Callable[..., HttpResponse]


def shop_view(view: View) -> Callable[..., HttpResponse]:
    """A view of a catalog's shop: given a Visit, and answered for whoever has the cookie.

    Where the shop is off or the catalog is not shown there, there is no such page. What the API
    refuses is a page that says why.
    """

    @wraps(view)
    def visited(request: ShopRequest, name: str, **given: Any) -> HttpResponse:
        catalog = _shown().filter(name=name).first() if settings.SHOP else None
        if catalog is None:
            raise Http404
        return answered(request, catalog, view, **given)

    return visited


def answered(request: ShopRequest, catalog: Catalog, view: View, **given: Any) -> HttpResponse:
    """What a view answers, or why it cannot; the visitor is remembered."""
    known = visitors.read(request)
    visit = Visit(request, catalog, known or Visitor.new())
    try:
        response = view(visit, **given)
    except Problem as problem:
        response = _refused(visit, problem)
    if visit.visitor is not known:
        visitors.keep(visit.visitor, response)
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def _shown() -> QuerySet[Catalog]:
    return Catalog.objects.filter(in_shop=True)


def shown_catalogs() -> list[Catalog]:
    """Those that the shop shows, by name; none where it is off."""
    return list(_shown()) if settings.SHOP else []


def _refused(visit: Visit, problem: Problem) -> HttpResponse:
    told = {"heading": TITLES[problem.status], "reason": problem.detail}
    return visit.page("refused", told, problem.status)
