"""What a shopper gets by a placement's draft, beside what they get now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recommender.admin import fragments, picker
from recommender.admin.fragments import Table
from recommender.admin.picker import IdField, Picker
from recommender.admin.placement_form import WITH_PRODUCT, text
from recommender.api import listing
from recommender.api.auth import SERVER, ApiRequest, Caller
from recommender.api.operations import OPERATIONS
from recommender.api.problems import Problem
from recommender.models import Catalog, Placement, Product

_ACTIONS = {"pin": "pinned", "boost": "boosted", "bury": "buried"}


class ShopperForm(forms.Form):
    """Whose list, and of what."""

    user = IdField(label="Shopper", required=False)
    product = IdField(label="Product", required=False)
    q = text("Search for")

    def __init__(self, catalog: Catalog, operation: str, data: Mapping[str, Any]) -> None:
        super().__init__({name: value for name, value in data.items() if value})
        self._operation = operation
        for name, kind in (("user", picker.USERS), ("product", picker.PRODUCTS)):
            widget = Picker(catalog, kind)
            self.fields[name].widget = widget
            chosen = [self.data[name]] if self.data.get(name) else []
            titles = picker.titles(catalog, chosen) if kind == picker.PRODUCTS else {}
            widget.choices = picker.choices(chosen, titles)
        for name in self.fields.keys() - self._asks(operation):
            del self.fields[name]
        self.is_possible = operation in OPERATIONS

    @property
    def request(self) -> dict[str, Any] | None:
        """The members of the request; None where something is missing."""
        if not self.is_possible or not self.is_valid():
            return None
        said = {name: value for name, value in self.cleaned_data.items() if value}
        if self._operation == "recommendations":
            cart = [said.pop("product")] if "product" in said else []
            return {**said, "cart": cart}
        return said if self.fields.keys() <= {*said, *self._may_lack()} else None

    def _asks(self, operation: str) -> set[str]:
        """The fields that a list takes."""
        if operation in WITH_PRODUCT:
            return {"product"}
        known = {
            "for_user": {"user"},
            "recommendations": {"user", "product"},
            "search": {"user", "q"},
        }
        return known.get(operation, set())

    def _may_lack(self) -> tuple[str, ...]:
        """Those of them that may be empty."""
        return ("user",) if self._operation == "search" else ()


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two lists."""

    title: str
    ids: tuple[str, ...] = ()
    items: Sequence[Mapping[str, Any]] = ()
    note: str = ""


def sides(placement: Placement, request: Mapping[str, Any], live: int | None) -> tuple[Side, Side]:
    """The list by the draft, and by the version that serves."""
    draft = _side(placement, "Draft", request, "draft")
    if live is None:
        return draft, Side("Live", note="Nothing is published yet.")
    return draft, _side(placement, f"Live, version {live}", request, live)


def _side(
    placement: Placement, title: str, given: Mapping[str, Any], version: int | Literal["draft"]
) -> Side:
    operation = OPERATIONS[placement.draft["operation"]]
    members = dict(given)
    subject = members.pop(operation.subject, "") if operation.subject else ""
    named = {"scenario": placement.name, "scenario_version": version, "explain": True}
    ask = operation.schema.model_validate({**members, **named})
    try:
        answer = listing.preview(asking(placement.catalog), operation, ask, subject)
    except Problem as exc:
        return Side(title, note=exc.detail)
    items = answer["items"]
    return Side(title, tuple(item["id"] for item in items), items, _note(answer))


def asking(catalog: Catalog) -> ApiRequest:
    """A request as the shop's server makes it."""
    request = ApiRequest()
    request.auth = Caller(catalog, SERVER)
    return request


def _note(answer: Mapping[str, Any]) -> str:
    told = [f"Short: {answer['reason']}."] if answer["reason"] else []
    told += [f"Fallback: {answer['fallback']}."] if answer["fallback"] else []
    told += [f"{name}: {why.replace('_', ' ')}." for name, why in answer["degraded"].items()]
    return " ".join(told)


def tables(catalog: Catalog, both: tuple[Side, Side]) -> list[Table]:
    """The lists as tables; the draft's says what moved."""
    wanted = {name for side in both for name in side.ids}
    found = Product.objects.filter(catalog=catalog, external_id__in=wanted)
    products = {one.external_id: one for one in found.defer("description", "attributes")}
    return [
        _table(side, other.ids, products, is_draft=side is both[0])
        for side, other in (both, both[::-1])
    ]


def _table(
    side: Side, other: Sequence[str], products: Mapping[str, Product], *, is_draft: bool
) -> Table:
    rows = []
    for place, (name, item) in enumerate(zip(side.ids, side.items, strict=True), start=1):
        product = products.get(name)
        shown = name if product is None else fragments.product_link(product)
        picture = "" if product is None else fragments.thumbnail(product)
        moved = _moved(place, other.index(name) + 1 if name in other else None, is_draft=is_draft)
        rows.append([place, picture, shown, moved, acted(item)])
    headers = ["", "", "Product", "Moved" if is_draft else "In the draft", "Rules"]
    return Table(headers, rows, side.note, title=side.title)


def _moved(place: int, other: int | None, *, is_draft: bool) -> SafeString | str:
    if other is None:
        return fragments.badge("new", "success") if is_draft else fragments.badge("gone", "danger")
    if not is_draft:
        return str(other)
    if place == other:
        return "="
    sign = "\N{UPWARDS ARROW}" if place < other else "\N{DOWNWARDS ARROW}"
    return f"{sign} {abs(place - other)}"


def acted(item: Mapping[str, Any]) -> SafeString:
    """The rules that had to do with an item."""
    rules = item["why"].get("rules", ())
    words = [(f"{_ACTIONS[rule['action']]}: {rule['name']}",) for rule in rules]
    return format_html("<div>{}</div>", format_html_join(SafeString("<br>"), "{}", words))
