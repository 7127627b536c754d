"""Fields that find products and users by typing, however many there are."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteMixin
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from recommender.models import Catalog, Product, User

_SHOWN = 20
PRODUCTS, USERS = "products", "users"
_ADDRESS = "admin:recommender_placement_pick"


class Picker(forms.Select):
    """A choice that asks the server for what is typed; it shows what is chosen by its title."""

    def __init__(self, catalog: Catalog, kind: str) -> None:
        super().__init__(
            {
                "class": "unfold-admin-autocomplete admin-autocomplete",
                "data-ajax--cache": "true",
                "data-ajax--delay": 250,
                "data-ajax--type": "GET",
                "data-ajax--url": reverse(_ADDRESS, args=[catalog.pk, kind]),
                "data-theme": "admin-autocomplete",
                "data-allow-clear": "true",
                "data-placeholder": f"Type to find {kind}",
                "data-width": "100%",
            }
        )

    @property
    def media(self) -> forms.Media:
        """Select2, as Django's own fields have it."""
        files: forms.Media = AutocompleteMixin(None, None).media  # type: ignore[arg-type]  # reads neither
        return files


class Pickers(Picker, forms.SelectMultiple):
    """The same of several."""


class IdField(forms.ChoiceField):
    """An id, whether it is there or not: a draft may be ahead of the catalog."""

    def valid_value(self, value: str) -> bool:
        """Any."""
        return len(value) <= 255


class IdsField(forms.MultipleChoiceField):
    """Several ids."""

    def valid_value(self, value: str) -> bool:
        """Any."""
        return len(value) <= 255


def choices(ids: Iterable[str], titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """The chosen ones as a field shows them."""
    return [("", ""), *((one, _label(one, titles.get(one, ""))) for one in dict.fromkeys(ids))]


def titles(catalog: Catalog, ids: Iterable[str]) -> dict[str, str]:
    """The titles of those of these products that are there, by id."""
    found = Product.objects.filter(catalog=catalog, external_id__in=set(ids))
    return dict(found.values_list("external_id", "title"))


def _label(external_id: str, title: str) -> str:
    return f"{title} · {external_id}" if title else external_id


def answer(request: HttpRequest, catalog: Catalog, kind: str) -> JsonResponse:
    """What select2 shows for what is typed: ids that begin so, and titles with the word."""
    term = request.GET.get("term", "").strip().replace("\x00", "")
    found = _products(catalog, term) if kind == PRODUCTS else _users(catalog, term)
    results = [{"id": one, "text": _label(one, title)} for one, title in found.items()]
    return JsonResponse({"results": results[:_SHOWN], "pagination": {"more": False}})


def _products(catalog: Catalog, term: str) -> dict[str, str]:
    living = Product.objects.filter(catalog=catalog, deleted_at=None)
    rows: list[Any] = []
    for narrowed in ({"external_id__startswith": term}, {"title__icontains": term}):
        if len(rows) < _SHOWN:
            found = living.filter(**narrowed).order_by("external_id")
            rows += found.values_list("external_id", "title")[:_SHOWN]
    return dict(rows)


def _users(catalog: Catalog, term: str) -> dict[str, str]:
    found = User.objects.filter(catalog=catalog, external_id__startswith=term)
    names = found.order_by("external_id").values_list("external_id", flat=True)[:_SHOWN]
    return dict.fromkeys(names, "")
