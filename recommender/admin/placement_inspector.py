"""How a list comes about: what is known of the shopper, what each stage dropped, the list."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from recommender.admin import fragments, picker, placement_compare, placement_preview
from recommender.admin.fragments import Table
from recommender.admin.picker import IdField, Picker
from recommender.admin.placement_preview import ShopperForm
from recommender.api import explain, listing
from recommender.api.list_requests import ExplainRequest, RecommendationRequest
from recommender.api.operations import OPERATIONS
from recommender.api.problems import Problem
from recommender.models import Catalog, Event, Placement, Product

_EVENTS = 10
# What each stage does, in the order of the pipeline.
_STAGES = {
    "user": "finds the shopper and their latest events",
    "context": "profile, neighbours and popularity; which rank orders",
    "sources": "each source proposes products",
    "fuse": "keeps what most sources propose, highest first",
    "hydrate": "drops what may not be listed",
    "features": "describes each candidate",
    "rank": "scores them",
    "rerank": "makes the list by rules",
    "rules": "reads what rules need",
    "explain": "says what led to each",
    "backfill": "fills up with popular and new products",
    "fields": "reads the fields of the answer",
}


class InspectorForm(ShopperForm):
    """Whose list, when, and which product to follow."""

    at = forms.DateTimeField(
        label="As of (UTC)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M"],
    )
    followed = IdField(label="Why is this there, or not?", required=False)
    other_user = IdField(label="Beside that of the shopper", required=False)
    other_at = forms.DateTimeField(
        label="Beside that as of (UTC)",
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M"],
    )

    def __init__(self, catalog: Catalog, operation: str, data: Mapping[str, Any]) -> None:
        super().__init__(catalog, operation, data)
        for name, kind in (("followed", picker.PRODUCTS), ("other_user", picker.USERS)):
            if name in self.fields:
                self.fields[name].widget = self._picker(catalog, name, kind)

    def _picker(self, catalog: Catalog, name: str, kind: str) -> Picker:
        widget = Picker(catalog, kind)
        chosen = [self.data[name]] if self.data.get(name) else []
        titles = picker.titles(catalog, chosen) if kind == picker.PRODUCTS else {}
        widget.choices = picker.choices(chosen, titles)
        return widget

    def _asks(self, operation: str) -> set[str]:
        schema = OPERATIONS[operation].schema if operation in OPERATIONS else None
        is_timed = schema is not None and issubclass(schema, RecommendationRequest)
        also = {"at", "other_at"} if is_timed else set()
        also |= {"other_user"} if operation == "for_user" else set()
        also |= {"followed"} if operation in ("for_user", "similar") else set()
        return super()._asks(operation) | also

    def _may_lack(self) -> tuple[str, ...]:
        return (*super()._may_lack(), "at", "followed", "other_at", "other_user")


def tables(placement: Placement, form: InspectorForm) -> list[Table]:
    """What is known, the stages, the list, and what became of the product that is followed."""
    asked = form.request
    if asked is None:
        return []
    at: datetime | None = asked.pop("at", None)
    followed = asked.pop("followed", None)
    other = {"user": asked.pop("other_user", None), "as_of": asked.pop("other_at", None)}
    members = {**asked, **({"as_of": at.isoformat()} if at else {})}
    catalog = placement.catalog
    try:
        answer = _answer(placement, members)
        told = [_known(catalog, asked.get("user"), at), _stages(answer), _list(catalog, answer)]
        if any(other.values()):
            beside = _answer(placement, {**members, **_written(other)})
            told.insert(0, placement_compare.table(catalog, answer, beside))
        if followed:
            told.insert(0, _followed(placement, members, followed))
    except Problem as exc:
        return [Table([], [], exc.detail, title="No list")]
    return [table for table in told if table.rows]


def _written(other: Mapping[str, Any]) -> dict[str, Any]:
    """What is other in the other list's request."""
    given = {name: value for name, value in other.items() if value}
    return {name: one.isoformat() if name == "as_of" else one for name, one in given.items()}


def _named(placement: Placement) -> dict[str, Any]:
    return {"scenario": placement.name, "scenario_version": "draft", "trace": True}


def _answer(placement: Placement, members: Mapping[str, Any]) -> Mapping[str, Any]:
    operation = OPERATIONS[placement.draft["operation"]]
    given = dict(members)
    subject = given.pop(operation.subject, "") if operation.subject else ""
    ask = operation.schema.model_validate({**given, **_named(placement), "explain": True})
    request = placement_preview.asking(placement.catalog)
    return listing.preview(request, operation, ask, subject)


def _known(catalog: Catalog, user: str | None, at: datetime | None) -> Table:
    """The latest events of the shopper."""
    events = Event.objects.filter(user__catalog=catalog, user__external_id=user)
    if at is not None:
        events = events.filter(at__lt=at)
    rows = [
        [
            fragments.moment(event.at),
            event.type,
            "-" if event.product is None else fragments.product_link(event.product),
        ]
        for event in events.select_related("product").order_by("-at")[:_EVENTS]
    ]
    return Table(["When", "What", "Product"], rows, title="Profile: the latest events")


def _stages(answer: Mapping[str, Any]) -> Table:
    rows = [
        [
            stage["stage"],
            _STAGES.get(stage["stage"], ""),
            _notes(stage["notes"]),
            f"{stage['milliseconds']:.1f} ms",
        ]
        for stage in answer["trace"]
    ]
    note = " ".join(_said(answer))
    return Table(["Stage", "What it does", "What it came to", "Took"], rows, note, title="Stages")


def _said(answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["reason"]:
        yield f"Short: {answer['reason']}."
    if answer["fallback"]:
        yield f"Fallback: {answer['fallback']}."
    for name, why in answer["degraded"].items():
        yield f"{name} did not run: {why.replace('_', ' ')}."


def _notes(notes: Mapping[str, Any]) -> SafeString:
    words = [
        (name.replace("_", " "), "none" if one is None else one) for name, one in notes.items()
    ]
    joined = format_html_join(", ", "{} {}", words)
    return format_html('<div class="max-w-xl whitespace-normal">{}</div>', joined or "-")


def _list(catalog: Catalog, answer: Mapping[str, Any]) -> Table:
    ids = [item["id"] for item in answer["items"]]
    found = Product.objects.filter(catalog=catalog, external_id__in=ids)
    products = {one.external_id: one for one in found.defer("description", "attributes")}
    rows = [
        [
            item["rank"],
            fragments.product_link(products[item["id"]]) if item["id"] in products else item["id"],
            f"{item['score']:.4f}",
            _parts(item["why"]["contributions"]),
            item["why"].get("text", ""),
            placement_preview.acted(item),
        ]
        for item in answer["items"]
    ]
    headers = ["", "Product", "Score", "Its parts", "Reason", "Rules"]
    return Table(headers, rows, title="The list")


def _parts(contributions: Mapping[str, float]) -> str:
    return " + ".join(f"{name} {part:.4f}" for name, part in contributions.items() if part)


def _followed(placement: Placement, members: Mapping[str, Any], product: str) -> Table:
    """What became of one product."""
    about = {"user": members.get("user"), "seed": members.get("product")}
    shared = {name: value for name, value in members.items() if name == "as_of"}
    named = {name: value for name, value in about.items() if value}
    ask = ExplainRequest.model_validate(
        {"product": product, **named, **shared, **_named(placement)}
    )
    told = explain.told(placement_preview.asking(placement.catalog), ask)
    rows: list[list[Any]] = [["Where its way ended", told["stage"]], ["Why", told["reason"]]]
    rows += [["Does not pass", one] for one in told["conditions"]]
    for label, worth in (("It", told["why"]), ("The last that is listed", told["last"])):
        if worth is not None:
            parts = _parts(worth["contributions"])
            rows.append([label, f"place {worth['place']}, score {worth['score']:.4f}: {parts}"])
    for source in told["sources"]:
        place = "does not propose it" if source["place"] is None else f"place {source['place']}"
        rows.append([source["source"], f"{place}, of {source['proposed']} proposed"])
    wrapped = [[name, fragments.prose(str(value))] for name, value in rows]
    return Table(["", ""], wrapped, title=f"What became of {product}")
