"""A placement's defaults as plain fields, and back to the document that the API has."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from recommender.engine.answer import MAX_COUNT

Document = Mapping[str, Any]

# By the name of an operation, as a merchandiser says it.
LISTS = {
    "for_user": "Recommendations for a user",
    "recommendations": "Recommendations for products, a session or a cart",
    "similar": "Similar products",
    "bought_together": "Bought together",
    "complements": "What goes with a product",
    "popular": "Popular",
    "trending": "Trending",
    "new": "New",
    "search": "Search",
    "rows": "Rows of a page",
}
ROWS = "rows"
# What rows of a page have no use for.
_OF_ONE_LIST = ("fallback", "max_per_brand", "max_per_category", "diversity", "min_relevance")
WITH_PRODUCT = ("similar", "bought_together", "complements")
_WITH_HISTORY = ("for_user", "recommendations", "similar")
_LEFT_OUT = (
    ("seen", "What the user has seen"),
    ("purchased", "What the user bought"),
    ("in_cart", "What is in the cart"),
)
_FALLBACKS = (("", "Nothing"), ("popular", "Popular"), ("trending", "Trending"), ("new", "New"))


def simple_filter(given: Document | None) -> dict[str, Any] | None:
    """Category, brand and highest price of a filter of no more than these; None of any other."""
    simple: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if name == "category" and isinstance(value, dict) and value.keys() == {"under"}:
            simple[name] = value["under"]
        elif name == "brand" and isinstance(value, str):
            simple[name] = value
        elif name == "price" and isinstance(value, dict) and value.keys() == {"lte"}:
            simple[name] = value["lte"]
        else:
            return None
    return simple


def filter_of(category: str, brand: str, price: float | None = None) -> dict[str, Any] | None:
    """The filter of what was typed; None for nothing."""
    made: dict[str, Any] = {}
    if category:
        made["category"] = {"under": category}
    if brand:
        made["brand"] = brand
    if price is not None:
        made["price"] = {"lte": float(price)}
    return made or None


def _number(label: str, help_text: str = "", **bounds: Any) -> forms.FloatField:
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
    return forms.FloatField(
        label=label, required=False, widget=widget, help_text=help_text, **bounds
    )


def _whole(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=MAX_COUNT,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=help_text,
    )


def text(label: str, help_text: str = "") -> forms.CharField:
    """A line of text."""
    return forms.CharField(
        label=label,
        required=False,
        max_length=255,
        widget=UnfoldAdminTextInputWidget(),
        help_text=help_text,
    )


class DefaultsForm(forms.Form):
    """What a request for the list says where it says nothing; what is empty is the system's."""

    count = _whole("Products", "How many; 12 where it is empty.")
    fallback = forms.ChoiceField(
        label="Fill up a short list with",
        choices=_FALLBACKS,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
    category = text("Only from category", "Such as Kitchen; all below it counts.")
    brand = text("Only of brand")
    price = _number("Only up to a price of", min_value=0)
    max_per_brand = _whole("At most of one brand")
    max_per_category = _whole("At most of one category")
    diversity = _number("Diversity", "0 to 1: how much variety counts.", min_value=0, max_value=1)
    min_relevance = _number(
        "Least relevance",
        "0 to 1, of the best: what is less relevant is left out.",
        min_value=0,
        max_value=1,
    )
    exclude = forms.MultipleChoiceField(
        label="Leave out",
        choices=_LEFT_OUT,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    fields_carried = text("Fields of the answer", "Separated by commas: title, price, image_urls.")

    def __init__(self, document: Document, data: Any = None) -> None:
        self._document = document
        defaults = document["defaults"]
        self._simple = simple_filter(defaults.get("filter"))
        super().__init__(data, initial=self._initial(defaults), prefix="defaults")
        if self._simple is None:
            for name in ("category", "brand", "price"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "The API has set a filter of more than this."
        if document["operation"] not in _WITH_HISTORY:
            del self.fields["exclude"]
        for name in _OF_ONE_LIST if document["operation"] == ROWS else ():
            del self.fields[name]

    def _initial(self, defaults: Document) -> dict[str, Any]:
        caps, excluded = defaults.get("max_per", {}), defaults.get("exclude", ["seen"])
        diversity = defaults.get("diversity")
        return {
            **(self._simple or {}),
            "count": defaults.get("count"),
            "fallback": self._document["fallback"] or "",
            "max_per_brand": caps.get("brand"),
            "max_per_category": caps.get("category"),
            "diversity": diversity["weight"] if isinstance(diversity, dict) else diversity,
            "min_relevance": defaults.get("min_relevance"),
            "exclude": [one for one in excluded if isinstance(one, str)],
            "fields_carried": ", ".join(defaults.get("fields", ())),
        }

    @property
    def kept(self) -> list[str]:
        """Members that only the API sets."""
        shown = {"count", "filter", "max_per", "diversity", "min_relevance", "exclude", "fields"}
        return sorted(self._document["defaults"].keys() - shown)

    def defaults(self) -> dict[str, Any]:
        """The defaults as they are stored; what the form does not show stays."""
        said: dict[str, Any] = {**dict.fromkeys(_OF_ONE_LIST), **self.cleaned_data}
        old = self._document["defaults"]
        made = {name: old[name] for name in self.kept}
        for name in ("count", "min_relevance"):
            if said[name] is not None:
                made[name] = said[name]
        given = old.get("filter")
        if self._simple is not None:
            given = filter_of(said["category"], said["brand"], said["price"])
        fields = [name.strip() for name in said["fields_carried"].split(",") if name.strip()]
        made |= {
            name: value
            for name, value in (
                ("filter", given),
                ("fields", fields),
                ("max_per", self._caps(old.get("max_per", {}))),
                ("diversity", self._diversity(old.get("diversity"), said["diversity"])),
            )
            if value
        }
        if "exclude" in self.fields:
            events = [one for one in old.get("exclude", ()) if not isinstance(one, str)]
            excluded = [*said["exclude"], *events]
            if excluded != ["seen"]:
                made["exclude"] = excluded
        return made

    def _caps(self, old: Document) -> dict[str, int]:
        caps = {name: most for name, most in old.items() if name not in ("brand", "category")}
        for name in ("brand", "category"):
            if most := self.cleaned_data.get(f"max_per_{name}"):
                caps[name] = most
        return caps

    @staticmethod
    def _diversity(old: Any, weight: float | None) -> Any:
        """What the fields of likeness are stays as it is."""
        return {**old, "weight": weight} if isinstance(old, dict) and weight else weight
