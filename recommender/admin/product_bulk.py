"""Products that are edited together: what, which of them, how many; then it is done and logged."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from recommender.admin import base
from recommender.catalog import bulk_edit
from recommender.catalog.bulk_edit import HIDE, MOST, BulkEditError, Change
from recommender.catalog.catalogs import announce_changes
from recommender.models import Catalog, Product

_CHANGES = {
    "in_stock": "In stock",
    "out_of_stock": "Out of stock",
    "category": "Into the category",
    "hide": "Hide: take off sale, and keep the histories",
}
_CHOSEN, _ALL = "chosen", "all"


class BulkForm(forms.Form):
    """What becomes of which products."""

    change = forms.ChoiceField(choices=_CHANGES.items(), widget=UnfoldAdminSelectWidget)
    category = forms.CharField(
        label="Category",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="A path such as Home/Kitchen, where they come into one.",
    )
    products = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Mapping[str, Any] | None, numbers: Mapping[str, int]) -> None:
        super().__init__(data)
        chosen, shown = (_products(numbers[name]) for name in (_CHOSEN, _ALL))
        field = self.fields["products"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - for types
        field.choices = [
            (_CHOSEN, f"{chosen} that you chose"),
            (_ALL, f"All of the list as it is filtered: {shown}"),
        ]
        self._numbers = numbers

    def clean(self) -> dict[str, Any]:
        """See that the change is one, and of not too many products."""
        given = self.cleaned_data
        if given.get("products") == _ALL and self._numbers[_ALL] > MOST:
            self.add_error("products", f"At most {MOST:,} are edited together; filter further.")
        try:
            given["made"] = _change(given.get("change", ""), given.get("category", ""))
        except BulkEditError as exc:
            self.add_error("category", str(exc))
        return given


def edit(
    page: "ModelAdmin[Product]",
    request: HttpRequest,
    chosen: "QuerySet[Product]",
    shown: "QuerySet[Product]",
) -> HttpResponse | None:
    """Ask what to do; once it is said, do it, log it, and go back to the list.

    Args:
        chosen: those that were ticked.
        shown: all that the list has by its filter and search.
    """
    numbers = {_CHOSEN: chosen.count(), _ALL: shown.order_by().values("pk")[: MOST + 1].count()}
    form = BulkForm(request.POST if "change" in request.POST else None, numbers)
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        _apply(page, request, chosen if said["products"] == _CHOSEN else shown, said)
        return None
    context = {
        **base.page_context(page, request),
        "title": "Edit products together",
        "form": form,
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "checkbox": ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "recommender/admin/product_bulk.html", context)


def _apply(
    page: "ModelAdmin[Product]",
    request: HttpRequest,
    products: "QuerySet[Product]",
    said: Mapping[str, Any],
) -> None:
    what = _CHANGES[said["change"]] + (f" {said['category']}" if said["category"] else "")
    done = bulk_edit.apply(products, said["made"])
    for catalog in Catalog.objects.filter(pk__in=done):
        announce_changes(catalog)
        text = f"{_products(done[catalog.pk])} edited together: {what}."
        page.log_change(request, catalog, text)  # type: ignore[arg-type]  # any row is logged
    messages.success(request, f"{_products(sum(done.values()))}: {what}.")


def _change(what: str, category: str) -> Change:
    if what == "category":
        return bulk_edit.to_category(category)
    return HIDE if what == "hide" else bulk_edit.to_stock(what == "in_stock")


def _products(number: int) -> str:
    if number > MOST:
        return f"more than {MOST:,} products"
    return "1 product" if number == 1 else f"{number:,} products"
