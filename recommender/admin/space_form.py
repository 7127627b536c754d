"""The form of a new version of a space."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from embeddings.errors import Misconfigured
from recommender.models import Catalog, Space
from recommender.models.space import DEFAULT_TEMPLATE
from recommender.providers import models
from recommender.spaces import lifecycle
from recommender.spaces.estimate import Estimate, estimate
from recommender.spaces.template import TemplateError

# One of behaviour is not embedded but trained.
_KINDS = [choice for choice in Space.Kind.choices if choice[0] != Space.Kind.BEHAVIOUR]


def _models() -> list[tuple[str, str]]:
    keys = models.keys()
    return [(key, key) for key in keys]


class NewSpaceForm(forms.Form):
    """What a person chooses of a new version; checked against the model."""

    catalog = forms.ModelChoiceField(
        Catalog.objects.all(), label="Catalogue", widget=UnfoldAdminSelectWidget
    )
    name = forms.SlugField(
        max_length=63,
        initial="text",
        widget=UnfoldAdminTextInputWidget,
        help_text="Similar products and recommendations come from the space called text.",
    )
    model = forms.ChoiceField(
        choices=_models,
        label="Embedding model",
        widget=UnfoldAdminSelectWidget,
    )
    dimension = forms.IntegerField(
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The length of the vectors; empty: the model's own.",
    )
    kind = forms.ChoiceField(choices=_KINDS, widget=UnfoldAdminSelectWidget)
    output = forms.ChoiceField(choices=Space.Output.choices, widget=UnfoldAdminSelectWidget)
    template = forms.CharField(
        initial=DEFAULT_TEMPLATE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="How a product becomes the text that is embedded.",
    )
    instruction = forms.CharField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="What the model is told a query is for, where the model takes instructions.",
    )
    long_text = forms.ChoiceField(
        choices=Space.LongText.choices,
        label="A text over the model's limit",
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what `create_space` refuses, beside the field that it is about where known."""
        chosen = super().clean() or {}
        if not self.errors:
            try:
                with lifecycle.undone():
                    self.create()
            except TemplateError as exc:
                self.add_error("template", ValidationError(str(exc)))
            except Misconfigured as exc:
                self.add_error("model", ValidationError(str(exc)))
        return chosen

    def create(self) -> Space:
        """Make the version."""
        chosen = dict(self.cleaned_data)
        return lifecycle.create_space(chosen.pop("catalog"), **chosen)

    def expected(self) -> tuple[str, Estimate]:
        """The label that the version would have, and what embedding it would take."""
        with lifecycle.undone():
            space = self.create()
            return str(space), estimate(space)
