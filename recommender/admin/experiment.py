"""Experiments: what is compared, and what it shows so far, in words and figures."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import base, confirmation, fragments
from recommender.admin.base import DetailAdmin, ReadOnlyAdmin, RelatedDropdownFilter, action
from recommender.admin.confirmation import ActionError, Question
from recommender.admin.fragments import Table
from recommender.effect import experiments, readout, verdict
from recommender.effect.experiments import Variant
from recommender.effect.readout import Readout
from recommender.effect.sequential import Comparison
from recommender.models import Experiment

_COLOURS = {"draft": "info", "running": "success", "ended": "primary"}
_FORMS = {"orders": ",.3f", "revenue": ",.2f", "clicks": ",.3f"}


@admin.register(Experiment)
class ExperimentAdmin(DetailAdmin[Experiment], ReadOnlyAdmin[Experiment]):
    """All experiments; they are planned over REST."""

    list_display = ("name", "catalog", "state", "placement", "divides", "begun")
    list_filter = (("catalog", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("catalog",)
    sortable_by = ()
    actions_detail = ("stop",)
    change_form_outer_before_template = "recommender/admin/experiment.html"
    fields = (
        ("catalog", "state"),
        ("placement", "layer"),
        ("divides", "takes"),
        ("begun", "over"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Experiment]:
        """With the catalogs, whose settings results go by."""
        return super().get_queryset(request).select_related("catalog")

    def tell(self, row: Experiment) -> dict[str, Any]:
        """What it shows so far."""
        found = readout.read(row)
        return {
            "sentences": verdict.sentences(row, found),
            "variants": _variants(row, found),
            "comparisons": _comparisons(row, found),
        }

    def has_stop_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change experiments may stop one."""
        return request.user.has_perm("recommender.change_experiment")

    @action(description="Stop", permissions=["stop"], icon="stop_circle")
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End it, once confirmed."""
        experiment = self.get_object(request, object_id)
        if experiment is None:
            return HttpResponseRedirect(reverse("admin:recommender_experiment_changelist"))

        def act(_: bool) -> str:
            if not experiments.stop(experiment, f"by {request.user} in the admin"):
                raise ActionError(f"{experiment} does not run.")
            return f"{experiment} has ended: from now on nobody is in it."

        return confirmation.confirm(
            request,
            Question(
                title=f"Stop {experiment}?",
                text="From now on everybody sees the same. An experiment that ended is not "
                "started again.",
                button="Stop it",
                is_final=True,
            ),
            act,
            reverse("admin:recommender_experiment_change", args=[experiment.pk]),
            base.page_context(self, request),
            [experiment],
        )

    @admin.display(description="Status")
    def state(self, row: Experiment) -> SafeString:
        """Draft, running or ended."""
        return fragments.badge(row.get_status_display(), _COLOURS[row.status])

    @admin.display(description="Variants")
    def divides(self, row: Experiment) -> str:
        """By name and share."""
        return ", ".join(f"{one.name} {one.share:.0%}" for one in experiments.variants_of(row))

    @admin.display(description="Users")
    def takes(self, row: Experiment) -> str:
        """The share of all that are in it."""
        return f"{row.part_to - row.part_from:.0%} of the layer"

    @admin.display(description="Began")
    def begun(self, row: Experiment) -> SafeString:
        """When it was started."""
        return fragments.moment(row.started_at)

    @admin.display(description="Ended")
    def over(self, row: Experiment) -> SafeString:
        """When it was stopped."""
        return fragments.moment(row.ended_at)


def _changes(variant: Variant) -> str:
    if variant.holdout:
        return "no recommendations"
    return json.dumps(variant.overrides) if variant.overrides else "as it is"


def _variants(row: Experiment, found: Readout) -> Table:
    rows = [
        [
            variant.name,
            f"{variant.share:.0%}",
            f"{found.units[variant.name]:,}",
            _changes(variant),
        ]
        for variant in experiments.variants_of(row)
    ]
    return Table(["Variant", "Share", "Users", "What it changes"], rows)


def _comparisons(row: Experiment, found: Readout) -> Table:
    named = dict(Experiment.Metric.choices)
    rows = [
        [str(named[metric]), name, *_figures(compared, _FORMS[metric])]
        for metric, variants in found.metrics.items()
        for name, compared in variants.items()
    ]
    note = (
        "Intervals and p-values hold however often one looks. The first variant is the control; "
        f"the experiment is to raise: {row.get_metric_display().lower()}."
    )
    headers = ("Metric", "Variant", "Control", "Variant's", "Lift", "p-value", "")
    return Table(headers, rows, note)


def _figures(found: Comparison | None, form: str) -> list[Any]:
    if found is None:
        return ["-", "-", "-", "-", "too little is known"]
    lift = found.lift
    told = "-"
    if lift is not None:
        told = fragments.stacked({"mean": lift.mean, "low": lift.low, "high": lift.high}, "+.1%")
    word, kind = ("not clear yet", "info")
    if found.is_better:
        word, kind = "better", "success"
    elif found.is_worse:
        word, kind = "worse", "danger"
    return [
        *(f"{found.control:{form}}", f"{found.variant:{form}}", told, f"{found.p_value:.3f}"),
        fragments.badge(word, kind),
    ]
