"""Trainings, and rankers: which one serves, how it was chosen, going back to another."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import base, confirmation, fragments
from recommender.admin.base import ReadOnlyAdmin, RelatedDropdownFilter, RunAdmin, action
from recommender.admin.confirmation import Question
from recommender.admin.fragments import Table, stored_table
from recommender.models import Catalog, Ranker, TrainingRun
from recommender.training import runs
from recommender.training.storage import activate_ranker

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
    "was nothing to do, too little to learn from, or a history too odd for a method."
)


def address(run: TrainingRun) -> str:
    """Of the training's page."""
    return reverse("admin:recommender_trainingrun_change", args=[run.pk])


def latest(catalog_ids: Sequence[int]) -> dict[int, TrainingRun]:
    """The latest training of each of these catalogs; two queries."""
    runs.fail_dead_runs()
    trainings = TrainingRun.objects.filter(catalog__in=catalog_ids)
    trainings = trainings.order_by("catalog_id", "-created_at").distinct("catalog_id")
    return {run.catalog_id: run for run in trainings}


def summary(run: TrainingRun) -> str:
    """How many steps came to what; or what went wrong."""
    if run.status == TrainingRun.Status.FAILED:
        return run.error
    if run.status == TrainingRun.Status.RUNNING and run.progress:
        done, total = run.progress["done"], run.progress["total"]
        return f"{run.progress['text']}{f': {done:,} of {total:,}' if total else ''}"
    counted = Counter(step["outcome"] for step in run.steps)
    told = [
        f"{number} {'step' if number == 1 else 'steps'} {outcome}"
        for outcome, number in counted.items()
    ]
    return ", ".join(told) or "no step yet"


@admin.register(TrainingRun)
class TrainingRunAdmin(RunAdmin[TrainingRun]):
    """The trainings of all catalogs, the latest first."""

    list_display = ("asked_for", "catalog", "state", "came_to", "learnt_until", "took")
    list_filter = (("catalog", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    change_form_outer_before_template = "recommender/admin/training.html"
    fields = (
        ("catalog", "state"),
        ("asked_for", "took"),
        "learnt_until",
        "error",
    )

    def fail_dead(self) -> int:
        """See `runs`."""
        return runs.fail_dead_runs()

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
        """The catalog's clock at its beginning."""
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
            stored_table(step["figures"]),
            f"{step['seconds']:,.1f}",
        ]
        for step in run.steps
    ]
    return Table(["Step", "Outcome", "Why", "Figures", "Seconds"], rows, _NOTE)


def sentence(run: TrainingRun) -> str:
    """The training in a line."""
    at = fragments.time(run.created_at)
    return f"{run.get_status_display()}, {at}: {summary(run)}"


@admin.register(Ranker)
class RankerAdmin(ReadOnlyAdmin[Ranker]):
    """The learnt ranks of all catalogs; of a catalog and mode one is active."""

    list_display = ("label", "catalog", "mode", "state", "learnt_until", "judged")
    list_filter = (
        ("catalog", RelatedDropdownFilter),
        ("mode", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("catalog",)
    sortable_by = ()
    actions_detail = ("activate",)
    fields = (
        ("label", "catalog"),
        ("mode", "state"),
        ("learnt_until", "created_at"),
        "judged",
    )

    def has_switch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change rankers may say which one serves."""
        return request.user.has_perm("recommender.change_ranker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ranker]:
        """The rankers without their models, which may be megabytes."""
        return super().get_queryset(request).defer("model")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nothing for the one that serves."""
        ranker = self.get_object(request, str(object_id))
        if ranker is None or ranker.is_active:
            return []
        return super().get_actions_detail(request, object_id)  # type: ignore[misc,no-any-return]  # Unfold's

    @admin.display(description="Ranker")
    def label(self, ranker: Ranker) -> str:
        """Its kind."""
        return ranker.kind

    @admin.display(description="Status")
    def state(self, ranker: Ranker) -> SafeString:
        """Whether it serves."""
        return fragments.badge("Active", "success") if ranker.is_active else SafeString("Kept")

    @admin.display(description="Learnt from events until")
    def learnt_until(self, ranker: Ranker) -> SafeString:
        """The catalog's clock when it was trained."""
        return fragments.moment(ranker.trained_until)

    @admin.display(description="NDCG@20 in the replay that chose it")
    def judged(self, ranker: Ranker) -> SafeString:
        """How each kind of rank did; in brackets, where the mean lies with 95 % confidence."""
        return stored_table(ranker.figures)

    @action(description="Activate", permissions=["switch"], icon="play_circle")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have this ranker serve, once confirmed."""
        ranker = self.get_object(request, object_id)
        if ranker is None:
            messages.warning(request, f"There is no ranker {object_id!r}; was it deleted?")
            return HttpResponseRedirect(reverse("admin:recommender_ranker_changelist"))
        back = reverse("admin:recommender_ranker_change", args=[ranker.pk])
        context = base.page_context(self, request)
        return confirmation.confirm(
            request, _question(ranker), lambda _: _activate(ranker), back, context, [ranker]
        )


def named(ranker: Ranker) -> str:
    """What tells a ranker from the others of its catalog and mode."""
    return f"{ranker.kind}, learnt until {fragments.time(ranker.trained_until)}"


def _question(ranker: Ranker) -> Question:
    return Question(
        title=f"Activate {named(ranker)}",
        text=f"From the next answer on, it ranks the lists of {ranker.catalog} "
        f"({ranker.get_mode_display().lower()}). The one that does now is kept. The next training "
        "chooses anew.",
        button="Activate",
    )


def _activate(ranker: Ranker) -> str:
    activate_ranker(ranker)
    return f"{named(ranker)} serves now."


def question(catalog: Catalog) -> Question:
    """What is asked before a catalog is trained."""
    return Question(
        title=f"Train {catalog}",
        text="Workers learn behaviour spaces, popularity, co-occurrence and the ranker from its "
        "history. What is learnt serves only where a replay shows it to do better.",
        button="Train now",
    )


def ask_for(catalog: Catalog) -> str:
    """Have workers train a catalog; what to say of it."""
    run = runs.request(catalog)
    return format_html(
        '<a href="{}" class="underline">The training of {}</a> is {}; its page shows what comes of '
        "it.",
        *(address(run), catalog, run.status),
    )
