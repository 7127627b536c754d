"""A merchandiser's rule as a row of plain fields, and back to the rule that the API has."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from recommender.admin import picker
from recommender.admin.base import JsonField
from recommender.admin.picker import IdField, IdsField, Picker, Pickers
from recommender.admin.placement_form import filter_of, simple_filter, text
from recommender.engine.merchandising import Action
from recommender.models import Catalog

Document = Mapping[str, Any]

_ACTIONS = (
    (Action.PIN, "Pin a product at a place"),
    (Action.BOOST, "Boost"),
    (Action.BURY, "Bury"),
    (Action.HIDE, "Hide"),
    (Action.ONLY_FROM, "Show only"),
    (Action.CAP, "Limit how many of one value"),
)
_USERS = (
    ("", "Everybody"),
    ("new", "New visitors"),
    ("returning", "Who was here before"),
    ("known", "Customers that the shop knows"),
    ("guests", "Guests"),
)
# By action, the fields that it takes beside those that every rule has.
TAKES = {
    Action.PIN: ("product", "place"),
    Action.BOOST: ("products", "category", "brand", "times"),
    Action.BURY: ("products", "category", "brand", "times"),
    Action.HIDE: ("products", "category", "brand"),
    Action.ONLY_FROM: ("products", "category", "brand"),
    Action.CAP: ("by", "at_most"),
}
MORE = ("starts", "ends", "users", "attribute", "value", "words", "priority")
# A value of a moment as browsers have it; the admin's times are UTC.
_MOMENT = "%Y-%m-%dT%H:%M"


def _moment(label: str) -> forms.DateTimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    return forms.DateTimeField(
        label=label, required=False, widget=widget, input_formats=[_MOMENT, f"{_MOMENT}:%S"]
    )


def _whole(label: str, least: int, most: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=least,
        max_value=most,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=help_text,
    )


class RuleForm(forms.Form):
    """One rule."""

    id = forms.CharField(required=False, widget=forms.HiddenInput())
    kept = JsonField(required=False, widget=forms.HiddenInput())
    action = forms.ChoiceField(
        label="What to do", choices=_ACTIONS, widget=UnfoldAdminSelectWidget()
    )
    name = text("Name", "For colleagues, and in the reasons of an answer.")
    product = IdField(label="Product", required=False)
    place = _whole("Place", 1, 1000, "1 is the first.")
    products = IdsField(label="Products", required=False)
    category = text("Category", "All below it counts.")
    brand = text("Brand")
    times = forms.FloatField(
        label="How much",
        required=False,
        min_value=0,
        max_value=1000,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"step": "any"}),
        help_text="Times as relevant: 2 is twice, 0.3 a third. 2 and 0.3 where it is empty.",
    )
    by = text("Of one", "brand, category or an attribute.")
    at_most = _whole("At most", 1, 1000)
    starts = _moment("From (UTC)")
    ends = _moment("Until (UTC)")
    users = forms.ChoiceField(
        label="For", choices=_USERS, required=False, widget=UnfoldAdminSelectWidget()
    )
    attribute = text("Only users whose attribute", "Such as tier.")
    value = text("is", "Such as gold; several with commas.")
    words = text("Only searches with", "All of these words, with commas.")
    priority = _whole("Priority", 0, 1000, "Of rules that disagree, the higher one counts.")

    def __init__(
        self, *args: Any, catalog: Catalog, titles: Mapping[str, str], **options: Any
    ) -> None:
        super().__init__(*args, **options)
        for name, widget in (
            ("product", Picker(catalog, picker.PRODUCTS)),
            ("products", Pickers(catalog, picker.PRODUCTS)),
        ):
            field = self.fields[name]
            field.widget = widget
            chosen = self[name].value() or []
            widget.choices = picker.choices([chosen] if isinstance(chosen, str) else chosen, titles)

    @property
    def main(self) -> list[forms.BoundField]:
        """The fields that say what the rule does."""
        return [self[name] for name in self.fields if name not in (*MORE, *_HIDDEN)]

    @property
    def more(self) -> list[forms.BoundField]:
        """When and for whom it acts."""
        return [self[name] for name in MORE]

    @property
    def is_narrowed(self) -> bool:
        """Whether something of that is said."""
        return any(self[name].value() for name in MORE)

    def rule(self) -> dict[str, Any]:
        """As the API has it."""
        said = self.cleaned_data
        takes = TAKES[Action(said["action"])]
        rule: dict[str, Any] = {
            "id": said["id"] or f"r-{token_hex(3)}",
            "name": said["name"],
            "action": said["action"],
            **{name: said[name] for name in ("product", "place", "products") if name in takes},
            **{name: said[name] for name in ("times", "by", "at_most") if name in takes},
            "from": _stored(said["starts"]),
            "until": _stored(said["ends"]),
            "words": _parts(said["words"]),
            "priority": said["priority"],
            "filter": self._filter() if "category" in takes else None,
            "audience": self._audience(),
        }
        return {name: value for name, value in rule.items() if value not in (None, "", [], {})}

    def _kept(self) -> dict[str, Any]:
        """What the API has set and the form does not show."""
        kept = self.cleaned_data["kept"]
        return kept if isinstance(kept, dict) else {}

    def _filter(self) -> dict[str, Any] | None:
        simple = filter_of(self.cleaned_data["category"], self.cleaned_data["brand"])
        return simple or self._kept().get("filter")

    def _audience(self) -> dict[str, Any]:
        said = self.cleaned_data
        attributes = dict(self._kept().get("attributes", {}))
        values = _parts(said["value"])
        if said["attribute"] and values:
            attributes[said["attribute"]] = values[0] if len(values) == 1 else values
        audience = {"users": said["users"], "attributes": attributes}
        return {name: value for name, value in audience.items() if value}


_HIDDEN = ("id", "kept", "DELETE")


def _parts(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _stored(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _shown(at: str | None) -> str:
    return datetime.fromisoformat(at).astimezone(UTC).strftime(_MOMENT) if at else ""


def initial(rule: Document) -> dict[str, Any]:
    """What a row shows of a rule."""
    given = rule.get("filter")
    simple = simple_filter(given)
    if simple is not None and "price" in simple:
        simple = None
    audience = rule.get("audience", {})
    attributes = dict(audience.get("attributes", {}))
    texts = {name: value for name, value in attributes.items() if _is_text(value)}
    name = next(iter(texts), "")
    value = attributes.pop(name, "")
    kept = {"filter": given if simple is None else None, "attributes": attributes}
    plain = ("id", "name", "action", "product", "place", "products", "times", "by", "at_most")
    return {
        **{member: rule[member] for member in plain if member in rule},
        **(simple or {}),
        "kept": {name: value for name, value in kept.items() if value},
        "starts": _shown(rule.get("from")),
        "ends": _shown(rule.get("until")),
        "users": audience.get("users", ""),
        "attribute": name,
        "value": ", ".join(value) if isinstance(value, list) else value,
        "words": ", ".join(rule.get("words", ())),
        "priority": rule.get("priority"),
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) and "," not in one for one in value)
    )


RuleFormSet = forms.formset_factory(RuleForm, extra=0, can_delete=True, max_num=100)


def named(rules: Iterable[Document]) -> list[str]:
    """The ids of the products that rules name."""
    return [
        one for rule in rules for one in (rule.get("product"), *rule.get("products", ())) if one
    ]


def rules_of(forms_: Sequence[RuleForm]) -> list[dict[str, Any]]:
    """The rules of those forms that were not taken away."""
    return [form.rule() for form in forms_ if not form.cleaned_data.get("DELETE")]
