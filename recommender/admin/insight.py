"""Insight: what was found out about catalogs, how far runs are, starting and cancelling them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import (
    access,
    base,
    confirmation,
    fragments,
    insight_actions,
    insight_decisions,
    insight_map,
    insight_merges,
    insight_page,
)
from recommender.admin.base import RelatedDropdownFilter, RunAdmin, action
from recommender.admin.base import SimpleListFilter as DropdownFilter
from recommender.admin.confirmation import Question
from recommender.admin.fragments import Table
from recommender.insight import findings, runs
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun

_COLOURS = {
    InsightRun.Status.WAITING: "info",
    InsightRun.Status.RUNNING: "primary",
    InsightRun.Status.DONE: "success",
    InsightRun.Status.FAILED: "danger",
    InsightRun.Status.CANCELLED: "warning",
}
_PART = "admin:recommender_insightrun"
_LIST = "admin:recommender_insightrun_changelist"


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

    unfinished = InsightRun.UNFINISHED
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
        """The page, with its findings."""
        if obj is not None:
            table, ways = self._findings(request, obj)
            context |= {"findings": table, "decide": ways}
        return super().render_change_form(request, context, add, change, form_url, obj)

    @staticmethod
    def _findings(request: HttpRequest, run: InsightRun) -> tuple[Table, dict[str, str] | None]:
        """The findings, and where they are decided on where they are proposals."""
        if insight_decisions.may_decide(request, run):
            table = insight_page.findings_table(run, request.GET, insight_decisions.boxes)
            return table, insight_decisions.ways(run)
        merges = insight_merges.links if insight_merges.may_merge(request, run) else None
        return insight_page.findings_table(run, request.GET, merges), None

    def tell(self, row: InsightRun) -> dict[str, Any]:
        """Its figures, and where its map is."""
        told: dict[str, Any] = {"tables": insight_page.figure_tables(row)}
        if insight_map.is_map(row):
            names = ("points", "point", "enclosed")
            told["map"] = {name: reverse(f"{_PART}_map_{name}", args=[row.pk]) for name in names}
        return told

    def get_urls(self) -> list[URLPattern]:
        """The list, a run, and what the script of a map asks for."""
        wrap, name = self.admin_site.admin_view, _PART.removeprefix("admin:")
        points, point = wrap(self._points), wrap(self._point)
        decide, accept_all = wrap(self._decide), wrap(self._accept_all)
        enclosed = wrap(self._enclosed)
        return [
            path("<int:run_id>/map/points/", points, name=f"{name}_map_points"),
            path("<int:run_id>/map/point/", point, name=f"{name}_map_point"),
            path("<int:run_id>/map/enclosed/", enclosed, name=f"{name}_map_enclosed"),
            path("<int:run_id>/decide/", decide, name=f"{name}_decide"),
            path("<int:run_id>/accept-all/", accept_all, name=f"{name}_accept_all"),
            path("<int:run_id>/merge/<int:product>/", wrap(self._merge), name=f"{name}_merge"),
            path("<int:run_id>/part/<int:product>/", wrap(self._part), name=f"{name}_part"),
            *super().get_urls(),
        ]

    def _points(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.answer(self._map(request, run_id))

    def _point(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.point(request, self._map(request, run_id))

    def _enclosed(self, request: HttpRequest, run_id: int) -> HttpResponse:
        return insight_map.enclosed(request, self._map(request, run_id))

    def _decide(self, request: HttpRequest, run_id: int) -> HttpResponse:
        run = insight_decisions.proposing(request, run_id)
        log, back = partial(self.log_change, request, run), insight_actions.address(run)
        return insight_decisions.decide(request, run, back, log)

    def _accept_all(self, request: HttpRequest, run_id: int) -> HttpResponse:
        run = insight_decisions.proposing(request, run_id)
        log, back = partial(self.log_change, request, run), insight_actions.address(run)
        return insight_decisions.accept_all(
            request, run, back, base.page_context(self, request), log
        )

    def _merge(self, request: HttpRequest, run_id: int, product: int) -> HttpResponse:
        log, context = partial(self.log_change, request), base.page_context(self, request)
        return insight_merges.merge(request, run_id, product, context, log)

    def _part(self, request: HttpRequest, run_id: int, product: int) -> HttpResponse:
        log, context = partial(self.log_change, request), base.page_context(self, request)
        return insight_merges.part(request, run_id, product, context, log)

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
        context = base.page_context(self, request)
        return insight_page.start(request, context, insight_actions.address)

    @action(description="Run again", permissions=["start"], icon="refresh")
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for another run with the same parameters, once confirmed."""
        return self._ask(request, object_id, insight_actions.question_again, insight_actions.again)

    @action(description="Cancel", permissions=["cancel"], icon="cancel")
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End the run, once confirmed."""
        return self._ask(
            request, object_id, insight_actions.question_cancel, insight_actions.cancel
        )

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
        return confirmation.confirm(
            request,
            question(run),
            lambda _: act(run),
            insight_actions.address(run),
            base.page_context(self, request),
            [run],
        )

    @admin.display(description="Asked for")
    def asked_for(self, run: InsightRun) -> SafeString:
        """When somebody, or the schedule, asked for it."""
        return fragments.moment(run.created_at)

    @admin.display(description="Kind")
    def what(self, run: InsightRun) -> str:
        """What was asked."""
        return insight_actions.title(run)

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
