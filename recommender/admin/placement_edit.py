"""A placement's draft as forms, checked as the API checks it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from pydantic import ValidationError as DocumentError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from recommender.admin import picker
from recommender.admin import placement_rule_form as rule_form
from recommender.admin.placement_form import LISTS, DefaultsForm
from recommender.admin.placement_rule_form import TAKES, RuleForm, RuleFormSet
from recommender.api import placement_checks, problems
from recommender.api.auth import SERVER, Caller
from recommender.api.placement_requests import NAME, PlacementIn
from recommender.api.problems import Problem
from recommender.catalog import placements
from recommender.catalog.placements import TooManyPlacementsError
from recommender.models import Catalog, Placement

# Where the API says that something is wrong, and the field of the form that it is in.
_FIELDS = {"filter": "category", "max_per": "max_per_brand", "fields": "fields_carried"}


class NewForm(forms.Form):
    """What a new placement is called, and what it is a list of."""

    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), label="Catalog", widget=UnfoldAdminSelectWidget
    )
    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget(),
        help_text="As the shop names it: home, product, cart, search.",
    )
    operation = forms.ChoiceField(
        label="List", choices=list(LISTS.items()), widget=UnfoldAdminSelectWidget()
    )

    def clean_name(self) -> str:
        """A word for addresses.

        Raises:
            ValidationError: it is none.
        """
        name: str = self.cleaned_data["name"]
        if not re.match(NAME, name):
            raise ValidationError("Small letters, digits, dots, hyphens and underscores.")
        return name

    def clean(self) -> dict[str, Any]:
        """See that the name is free, and that there may be one more."""
        said = super().clean() or {}
        if {"catalog", "name"} <= said.keys() and placements.find(said["catalog"], said["name"]):
            self.add_error("name", "The catalog has a placement of this name.")
        if not self.errors:
            document = {
                "operation": said["operation"],
                "defaults": {},
                "fallback": None,
                "rules": [],
            }
            try:
                said["made"], _ = placements.put(said["catalog"], said["name"], document)
            except TooManyPlacementsError:
                self.add_error(None, f"A catalog has at most {placements.MOST_PLACEMENTS}.")
        return said

    def made(self) -> Placement:
        """The placement."""
        placement: Placement = self.cleaned_data["made"]
        return placement


class Draft:
    """The forms of a draft."""

    takes: Mapping[str, Sequence[str]] = {action.value: names for action, names in TAKES.items()}

    def __init__(self, placement: Placement, data: Any = None) -> None:
        self._placement = placement
        self._said = placement.draft
        catalog, rules = placement.catalog, placement.draft["rules"]
        ids = rule_form.named(rules)
        if data is not None:
            ids += [one for name in data if name.startswith("rules-") for one in data.getlist(name)]
        self.defaults = DefaultsForm(placement.draft, data)
        self.rules = RuleFormSet(
            data,
            initial=[rule_form.initial(rule) for rule in rules],
            prefix="rules",
            form_kwargs={"catalog": catalog, "titles": picker.titles(catalog, ids)},
        )

    @property
    def media(self) -> forms.Media:
        """Of the pickers."""
        media: forms.Media = self.rules.empty_form.media + self.defaults.media
        return media

    def is_valid(self) -> bool:
        """Whether it can be published; what is wrong is told beside its field."""
        if not (self.defaults.is_valid() and self.rules.is_valid()):
            return False
        try:
            self._ask = self._checked()
        except DocumentError as exc:
            self._tell(problems.invalid([{**e, "loc": ("body", *e["loc"])} for e in exc.errors()]))
        except Problem as exc:
            self._tell(exc)
        return self.defaults.is_valid() and all(form.is_valid() for form in self.rules.forms)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return self._ask.document()

    def _checked(self) -> PlacementIn:
        rules = rule_form.rules_of(self.rules.forms)
        for rule in rules:
            if "product" in rule:
                rule.setdefault("place", 1)
        ask = PlacementIn.model_validate(
            {
                "operation": self._said["operation"],
                "defaults": self.defaults.defaults(),
                "fallback": self.defaults.cleaned_data.get("fallback") or None,
                "rules": rules,
            }
        )
        placement_checks.check(Caller(self._placement.catalog, SERVER), ask)
        return ask

    def _tell(self, problem: Problem) -> None:
        kept: list[RuleForm] = [
            form for form in self.rules.forms if not form.cleaned_data.get("DELETE")
        ]
        for error in problem.errors or [{"where": "", "message": problem.detail}]:
            _, section, *place = [*error["where"].split("."), ""]
            if section == "rules" and place[0].isdecimal():
                kept[int(place[0])].add_error(None, error["message"])
                continue
            field = _FIELDS.get(place[0], place[0]) if place else ""
            known = field if field in self.defaults.fields else None
            self.defaults.add_error(known, error["message"])


def warnings(placement: Placement) -> list[str]:
    """What contradicts itself in the draft, in words."""
    caller = Caller(placement.catalog, SERVER)
    return [one["message"] for one in placement_checks.warnings(caller, placement.draft)]
