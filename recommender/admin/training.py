"""Trainings: what each step did and why, and asking for another."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from recommender.admin import figures, fragments
from recommender.admin.base import DetailAdmin, ReadOnlyAdmin
from recommender.admin.fragments import Table
from recommender.models import TrainingRun
from recommender.training import runs

_COLOURS = {
    TrainingRun.Status.WAITING: "info",
    TrainingRun.Status.RUNNING: "primary",
    TrainingRun.Status.DONE: "success",
    TrainingRun.Status.FAILED: "danger",
}
# What a step can have come to.
_OUTCOMES = {"done": "success", "kept": "info", "skipped": "warning"}
_NOTE = (
    "Done: what was learnt serves. Kept: what served before does better, and stays. Skipped: there "
    "was nothing to do, or too little to learn from."
)


def address(run: TrainingRun) -> str:
    """Of the training's page."""
    return reverse("admin:recommender_trainingrun_change", args=[run.pk])


def latest(catalog_ids: Sequence[int]) -> dict[int, TrainingRun]:
    """The latest training of each of these catalogues; two queries."""
    runs.fail_dead_runs()
    found = TrainingRun.objects.filter(catalog__in=catalog_ids)
    found = found.order_by("catalog_id", "-created_at").distinct("catalog_id")
    return {run.catalog_id: run for run in found}


def summary(run: TrainingRun) -> str:
    """How many steps came to what; or what went wrong."""
    if run.status == TrainingRun.Status.FAILED:
        return run.error
    counted = Counter(step["outcome"] for step in run.steps)
    return ", ".join(f"{number} {outcome}" for outcome, number in counted.items()) or "no step yet"


@admin.register(TrainingRun)
class TrainingRunAdmin(DetailAdmin[TrainingRun], ReadOnlyAdmin[TrainingRun]):
    """The trainings of all catalogues, the latest first."""

    list_display = ("asked_for", "catalog", "state", "came_to", "learnt_until", "took")
    list_filter = (("catalog", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("catalog",)
    list_per_page = 50
    sortable_by = ()
    change_form_outer_before_template = "recommender/admin/training.html"
    fields = (
        ("catalog", "state"),
        ("asked_for", "took"),
        "learnt_until",
        "error",
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; what died is shown as failed."""
        runs.fail_dead_runs()
        return super().changelist_view(request, extra_context)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> TrainingRun | None:
        """A training; one that died is shown as failed."""
        runs.fail_dead_runs()
        return super().get_object(request, object_id, from_field)

    def tell(self, row: TrainingRun) -> dict[str, Any]:
        """Its steps."""
        return {"steps": _steps(row)}

    @admin.display(description="Asked for")
    def asked_for(self, run: TrainingRun) -> SafeString:
        """When somebody, or the schedule, asked for it."""
        return fragments.moment(run.created_at)

    @admin.display(description="Status")
    def state(self, run: TrainingRun) -> SafeString:
        """Waiting, running, done or failed."""
        return fragments.badge(run.get_status_display(), _COLOURS[TrainingRun.Status(run.status)])

    @admin.display(description="Came to")
    def came_to(self, run: TrainingRun) -> SafeString:
        """What became of the steps."""
        return fragments.prose(summary(run))

    @admin.display(description="Learnt from events until")
    def learnt_until(self, run: TrainingRun) -> SafeString:
        """The catalogue's clock at its beginning."""
        return fragments.moment(run.trained_until)

    @admin.display(description="Took")
    def took(self, run: TrainingRun) -> str:
        """How long it ran."""
        if run.started_at is None or run.finished_at is None:
            return "-"
        return f"{(run.finished_at - run.started_at).total_seconds():,.1f}\N{NO-BREAK SPACE}s"


def _steps(run: TrainingRun) -> Table:
    rows = [
        [
            step["name"].capitalize(),
            fragments.badge(step["outcome"].capitalize(), _OUTCOMES.get(step["outcome"], "info")),
            fragments.prose(step["text"]),
            figures.table(step["figures"]),
            f"{step['seconds']:,.1f}",
        ]
        for step in run.steps
    ]
    return Table(["Step", "Outcome", "Why", "Figures", "Seconds"], rows, _NOTE)


def sentence(run: TrainingRun) -> str:
    """The training in a line."""
    at = f"{run.created_at:%-d %B %Y, %H:%M} UTC"
    return f"{run.get_status_display()}, {at}: {summary(run)}"
