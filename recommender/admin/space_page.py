"""The pages of a space: the form of a new version, and two spaces side by side."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from embeddings.errors import Misconfigured
from recommender.admin import access, fragments
from recommender.admin.base import key_in, record
from recommender.admin.fragments import Table
from recommender.catalog.catalogs import announce_space
from recommender.insight.comparison import Comparison, Side, verdict
from recommender.insight.comparison import compare as compare_spaces
from recommender.insight.replay import Quality
from recommender.models import Catalog, Space
from recommender.models.space import DEFAULT_TEMPLATE
from recommender.providers import models
from recommender.ranking.metrics import Interval
from recommender.spaces import lifecycle
from recommender.spaces.estimate import Estimate, estimate
from recommender.spaces.partitions import SpaceError
from recommender.spaces.template import TemplateError

_Cell = str | SafeString
_METRICS = (("NDCG@20", "ndcg"), ("Recall@20", "recall"), ("Hit rate@20", "hit_rate"))


def comparison_tables(comparison: Comparison) -> list[Table]:
    """What the spaces are and cost, how alike they see products, and how they recommend."""
    return [_facts(comparison), _alike(comparison), _replay(comparison)]


def _facts(comparison: Comparison) -> Table:
    sides = (comparison.first, comparison.second)
    largest = max(side.storage for side in sides) or 1
    rows: tuple[tuple[str, Callable[[Side], _Cell]], ...] = (
        ("Status", lambda side: side.status.capitalize()),
        ("Model", lambda side: side.model),
        ("Dimension", lambda side: str(side.dimension)),
        ("Kind and output", lambda side: f"{side.kind}, {side.output}"),
        ("Fresh vectors", _coverage),
        ("Quarantined", lambda side: f"{side.coverage.quarantined:,}"),
        ("Left out of texts", lambda side: side.left_out or "Nothing"),
        (
            "Size on disk",
            lambda side: fragments.bar(side.storage / largest, filesizeformat(side.storage)),
        ),
        ("Index rows", lambda side: f"{side.indexed_rows:,}"),
        ("Recall@20 of the index", _recall),
        ("Cost so far", lambda side: f"${side.cost.spent:,.4f}"),
        ("Tokens so far", lambda side: f"{side.cost.tokens:,}"),
        ("Cost of a million tokens", lambda side: f"${side.cost.per_million_tokens:,.4f}"),
        ("Cost of a million products", _per_million_products),
    )
    return Table(
        ["", *(f"Space {side.space}" for side in sides)],
        [[name, *map(cell, sides)] for name, cell in rows],
        title="What they are",
    )


def _alike(comparison: Comparison) -> Table:
    shared = comparison.overlap
    if shared is None:
        return Table([], [], "No product has a vector in both spaces.", title="Similar products")
    note = f"Over a sample of {shared.products:,} products."
    row = ["The same among the 20 most similar", fragments.bar(shared.mean, f"{shared.mean:.1%}")]
    return Table(["", "Share"], [row], note, title="Similar products")


def _replay(comparison: Comparison) -> Table:
    sides, title = (comparison.first, comparison.second), "Replay of history"
    if comparison.difference is None or comparison.cut_off is None:
        return Table([], [], comparison.shortage or "", title=title)
    note = (
        f"What each would have recommended to {comparison.users} users at "
        f"{fragments.time(comparison.cut_off)}, against the new products they came to "
        "afterwards. In brackets, where the mean lies with 95 % confidence."
    )
    rows = [
        [
            name,
            *(_score(side.quality, metric) for side in sides),
            _change(getattr(comparison.difference, metric)),
        ]
        for name, metric in _METRICS
    ]
    return Table(
        ["", *(f"Space {side.space}" for side in sides), "Difference"], rows, note, title=title
    )


def _coverage(side: Side) -> SafeString:
    covered = side.coverage
    return fragments.bar(covered.share, f"{covered.fresh:,} of {covered.products:,}")


def _recall(side: Side) -> str:
    return "not measured" if side.recall is None else f"{side.recall:.3f}"


def _per_million_products(side: Side) -> str:
    cost = side.cost.per_million_products
    return "-" if cost is None else f"${cost:,.2f}"


def _score(quality: Quality | None, metric: str) -> _Cell:
    if quality is None:
        return "-"
    interval: Interval = getattr(quality, metric)
    return fragments.bar(
        interval.mean, f"{interval.mean:.4f} ({interval.low:.4f} to {interval.high:.4f})"
    )


def _change(interval: Interval) -> SafeString:
    """Green or red only where the interval leaves no doubt."""
    kind = "success" if interval.low > 0 else "danger" if interval.high < 0 else "info"
    return fragments.badge(
        f"{interval.mean:+.4f} ({interval.low:+.4f} to {interval.high:+.4f})", kind
    )


# One of behaviour is not embedded but trained.
_KINDS = [choice for choice in Space.Kind.choices if choice[0] != Space.Kind.BEHAVIOUR]


def _models() -> list[tuple[str, str]]:
    keys = models.keys()
    return [(key, key) for key in keys]


class NewSpaceForm(forms.Form):
    """What a person chooses of a new version; checked against the model."""

    catalog = forms.ModelChoiceField(
        Catalog.objects.all(), label="Catalog", widget=UnfoldAdminSelectWidget
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


def address(space: Space) -> str:
    """Of the space's own page."""
    return reverse("admin:recommender_space_change", args=[space.pk])


def create(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for a new version, say what it would take, and make it when that is confirmed."""
    form = NewSpaceForm(request.POST or None)
    access.narrow_choices(form, request)
    if form.is_valid():
        if "create" in request.POST:
            space = form.create()
            announce_space(space)
            record(request, [space], "Made.")
            text = f"Made {space}. Workers embed it now; its page shows how far they are."
            messages.success(request, text)
            return HttpResponseRedirect(address(space))
        context["label"], context["estimate"] = form.expected()
    context |= {"title": "New version of a space", "form": form}
    return TemplateResponse(request, "recommender/admin/new_space.html", context)


def _likeliest_first(space: Space, others: Iterable[Space]) -> list[Space]:
    """Other versions of the same space before other spaces, and the one that serves first."""
    return sorted(
        others, key=lambda each: (each.name != space.name, each.status != Space.Status.ACTIVE)
    )


def compare(request: HttpRequest, space: Space, context: dict[str, Any]) -> HttpResponse:
    """The space beside another version of its catalog, once one is chosen."""
    others = Space.objects.filter(catalog=space.catalog_id).exclude(pk=space.pk)
    others = others.exclude(status=Space.Status.RETIRED).select_related("catalog")
    chosen = request.GET.get("with", "")
    other = others.filter(pk=key_in(chosen) or 0).first()
    context |= {
        "title": f"Compare {space}",
        "others": _likeliest_first(space, others),
        "other": other,
        "space": space,
    }
    context["back"] = address(space)
    if other is not None:
        try:
            comparison = compare_spaces(other, space)
            context["comparison"] = comparison_tables(comparison)
            context["verdict"] = verdict(comparison)
        except (SpaceError, Misconfigured) as exc:
            messages.error(request, str(exc))
            return HttpResponseRedirect(address(space))
    return TemplateResponse(request, "recommender/admin/compare.html", context)
