"""Insight: what was found out about catalogs, how far runs are, starting and cancelling them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import access, base, fragments, insight_map, insight_page
from recommender.admin.base import ActionError, Question, RelatedDropdownFilter, RunAdmin, action
from recommender.admin.base import SimpleListFilter as DropdownFilter
from recommender.insight import findings, runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun

_COLOURS = {
    InsightRun.Status.WAITING: "info",
    InsightRun.Status.RUNNING: "primary",
    InsightRun.Status.DONE: "success",
    InsightRun.Status.FAILED: "danger",
    InsightRun.Status.CANCELLED: "warning",
}
_MAP = "admin:recommender_insightrun_map"
_LIST = "admin:recommender_insightrun_changelist"
# A page of a run that goes on is loaded anew so often.
_REFRESH_SECONDS = 3


def address(run: InsightRun) -> str:
    """Of the run's page."""
    return reverse("admin:recommender_insightrun_change", args=[run.pk])


def title(run: InsightRun) -> str:
    """What its kind is called; a kind that is gone by its name."""
    return KINDS[run.kind].title if run.kind in KINDS else run.kind


def told(run: InsightRun) -> str:
    """What came of it, or how far it is."""
    if run.status == InsightRun.Status.FAILED:
        return run.error
    if run.progress:
        done, total = run.progress["done"], run.progress["total"]
        return f"{run.progress['text']}{f': {done:,} of {total:,}' if total else ''}"
    return run.summary or "-"


class KindFilter(DropdownFilter):
    """Which kind."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """All kinds."""
        return [(kind.name, kind.title) for kind in KINDS.values()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The runs of the kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(InsightRun)
class InsightRunAdmin(RunAdmin[InsightRun]):
    """The runs of all catalogs, the latest first."""

    list_display = ("asked_for", "catalog", "what", "state", "came_to", "took")
    list_filter = (
        ("catalog", RelatedDropdownFilter),
        KindFilter,
        ("status", ChoicesDropdownFilter),
    )
    actions_list = ("find_out",)
    actions_detail = ("again", "cancel")
    change_form_outer_before_template = "recommender/admin/insight.html"
    fields = (
        ("catalog", "what"),
        ("state", "came_to"),
        ("asked_for", "took"),
        ("read_from", "asked_with"),
    )

    def has_start_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may add runs may ask for one."""
        return request.user.has_perm("recommender.add_insightrun")

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change runs may cancel one."""
        return request.user.has_perm("recommender.change_insightrun")

    def get_queryset(self, request: HttpRequest) -> QuerySet[InsightRun]:
        """The runs without what only programs read."""
        return super().get_queryset(request).defer("arrays")

    def fail_dead(self) -> int:
        """See `runs`."""
        return runs.fail_dead_runs()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: InsightRun | None = None,
    ) -> HttpResponse:
        """The page, loaded anew by itself while the run goes on."""
        if obj is not None:
            context |= {"findings": insight_page.findings_table(obj, request.GET)}
        response = super().render_change_form(request, context, add, change, form_url, obj)
        if obj is not None and obj.status in InsightRun.UNFINISHED:
            response["Refresh"] = str(_REFRESH_SECONDS)
        return response

    def tell(self, row: InsightRun) -> dict[str, Any]:
        """Its figures, and where its map is."""
        told: dict[str, Any] = {"tables": insight_page.figure_tables(row)}
        if insight_map.is_map(row):
            names = ("points", "point", "enclosed")
            told["map"] = {name: reverse(f"{_MAP}_{name}", args=[row.pk]) for name in names}
        return told

    def get_urls(self) -> list[URLPattern]:
        """The list, a run, and what the script of a map asks for."""
        wrap, name = self.admin_site.admin_view, _MAP.removeprefix("admin:")
        points, point = wrap(self._points), wrap(self._point)
        enclosed = wrap(self._enclosed)
        return [
            path("<int:run_id>/map/points/", points, name=f"{name}_points"),
            path("<int:run_id>/map/point/", point, name=f"{name}_point"),
            path("<int:run_id>/map/enclosed/", enclosed, name=f"{name}_enclosed"),
            *super().get_urls(),
        ]

    def _points(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.answer(self._map(request, run_id))

    def _point(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.point(request, self._map(request, run_id))

    def _enclosed(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.enclosed(request, self._map(request, run_id))

    def _map(self, request: HttpRequest, run_id: int) -> InsightRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = access.narrow(InsightRun.objects.filter(pk=run_id), request).first()
        if run is None or not insight_map.is_map(run):
            raise Http404
        return run

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Cancelling only what has not ended, and asking again only for what has."""
        run = self.get_object(request, str(object_id))
        if run is None:
            return []
        hidden = "again" if run.status in InsightRun.UNFINISHED else "cancel"
        buttons = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # Unfold's
        return [button for button in buttons if not button.action_name.endswith(hidden)]

    @action(description="Find out", permissions=["start"], icon="insights")
    def find_out(self, request: HttpRequest) -> HttpResponse:
        """Ask for a run of a kind."""
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return insight_page.start(request, context, address)

    @action(description="Run again", permissions=["start"], icon="refresh")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for another run with the same parameters, once confirmed."""
        return self._ask(request, object_id, _question_again, _again)

    @action(description="Cancel", permissions=["cancel"], icon="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End the run, once confirmed."""
        return self._ask(request, object_id, _question_cancel, _cancel)

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        question: Callable[[InsightRun], Question],
        act: Callable[[InsightRun], str],
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        if run is None:
            messages.warning(request, f"There is no run {object_id!r}; later ones took its place.")
            return HttpResponseRedirect(reverse(_LIST))
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return base.confirm(
            request, question(run), lambda _: act(run), address(run), context, [run]
        )

    @admin.display(description="Asked for")
    def asked_for(self, run: InsightRun) -> SafeString:
        """When somebody, or the schedule, asked for it."""
        return fragments.moment(run.created_at)

    @admin.display(description="Kind")
    def what(self, run: InsightRun) -> str:
        """What was asked."""
        return title(run)

    @admin.display(description="Status")
    def state(self, run: InsightRun) -> SafeString:
        """Waiting, running, done, failed or cancelled."""
        return fragments.badge(run.get_status_display(), _COLOURS[InsightRun.Status(run.status)])

    @admin.display(description="Came to")
    def came_to(self, run: InsightRun) -> SafeString:
        """What was found, or how far it is."""
        return fragments.prose(told(run))

    @admin.display(description="Took")
    def took(self, run: InsightRun) -> str:
        """How long it ran."""
        return "-" if run.seconds is None else f"{run.seconds:,.1f}\N{NO-BREAK SPACE}s"

    @admin.display(description="Vectors")
    def read_from(self, run: InsightRun) -> SafeString:
        """Of which version of a space, and whether it has moved on."""
        if not run.space_name:
            return SafeString("-")
        return fragments.prose(
            f"{run.space_name}@{run.space_version}", findings.moved_on(run) or ""
        )

    @admin.display(description="Parameters")
    def asked_with(self, run: InsightRun) -> SafeString:
        """What it was asked with; what was left out is the default."""
        given = {name: value for name, value in run.parameters.items() if value is not None}
        return fragments.stored_table(given)


def _question_again(run: InsightRun) -> Question:
    return Question(
        title=f"{title(run)} of {run.catalog} again",
        text=f"Workers do it with the same parameters and the vectors of now. Of each kind the "
        f"latest {runs.KEPT} runs are kept.",
        button="Run again",
    )


def _question_cancel(run: InsightRun) -> Question:
    return Question(
        title=f"Cancel {title(run).lower()} of {run.catalog}",
        text="It ends within seconds and keeps nothing.",
        button="Cancel the run",
    )


def _again(run: InsightRun) -> str:
    kind = KINDS.get(run.kind)
    if kind is None:
        raise ActionError(f"There is no kind {run.kind!r} any more.")
    try:
        new = runs.request(run.catalog, kind, kind.read(run.parameters))
    except (InsightError, runs.AlreadyRunningError, ValueError) as exc:
        raise ActionError(str(exc)) from exc
    return format_html('<a href="{}" class="underline">The new run</a> waits.', address(new))


def _cancel(run: InsightRun) -> str:
    return "It is cancelled." if runs.cancel(run) else "It had ended already."
