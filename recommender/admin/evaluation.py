"""Evaluations: how well each catalog was recommended, over time and method by method."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from django.contrib import admin, messages
from django.db.models import F, JSONField, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import access, base, confirmation, fragments
from recommender.admin.base import DetailAdmin, ReadOnlyAdmin, action
from recommender.admin.confirmation import ActionError, Question
from recommender.admin.fragments import Chart, Series, Table, stacked
from recommender.insight import evaluations
from recommender.insight.evaluation_result import METRICS
from recommender.insight.evaluations import K, Point
from recommender.models import Catalog, EvaluationRun, Mode
from recommender.monitoring import service
from recommender.ranking.metrics import Interval
from recommender.training import splits

# Metric: colours of Tailwind for the means and for their intervals, and where a point has it.
_LINES: dict[str, tuple[str, str, Callable[[Point], Interval]]] = {
    f"NDCG@{K}": ("primary-600", "primary-300", lambda point: point.ndcg),
    f"Recall@{K}": ("orange-400", "orange-200", lambda point: point.recall),
}
_MEANS = {"type": "line", "pointStyle": "circle"}
# Grouped: those of one evaluation stand side by side.
_INTERVALS = {"grouped": True, "barThickness": 3}


def trend_chart(name: str, points: Sequence[Point]) -> Chart:
    """The chart of one evaluation or more, the oldest first; each day between has its place."""
    first, last = points[0].at.date(), points[-1].at.date()
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    return Chart(
        name,
        "with 95 % intervals",
        [_day(day) for day in days],
        [*_means(points), *_intervals(points)],
    )


def _means(points: Sequence[Point]) -> Iterator[Series]:
    for metric, (colour, _, of) in _LINES.items():
        values = [_place(point, of(point).mean) for point in points]
        yield Series(metric, colour, values, _MEANS)


def _intervals(points: Sequence[Point]) -> Iterator[Series]:
    for metric, (_, colour, of) in _LINES.items():
        # Rounded, for Chart.js shows both ends just as they are.
        values = [
            _place(point, [round(of(point).low, 4), round(of(point).high, 4)]) for point in points
        ]
        yield Series(f"{metric}, 95 % interval", colour, values, _INTERVALS)


def _place(point: Point, value: float | list[float]) -> dict[str, object]:
    return {"x": _day(point.at), "y": value}


def _day(day: date) -> str:
    return f"{day:%-d %b %Y}"


if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

# More pictures nobody compares, and more points cannot be told apart.
_PICTURES, _POINTS = 6, 90
# More names make no sentence.
_NAMED = 5
_LIST = "admin:recommender_evaluationrun_changelist"
_FORMS = {
    "coverage": ".3f",
    "novelty": ".2f",
    "diversity": ".3f",
    "popularity_bias": "+.3f",
}
_NOTE = "Best first. Below each mean, where it lies with 95 % confidence."


class Facts(TypedDict):
    """What the list shows of a document, without reading all of it."""

    split: str
    k: str
    users: str
    ranked: dict[str, Any] | None


if TYPE_CHECKING:
    ListedEvaluation = WithAnnotations[EvaluationRun, Facts]


class MayEvaluate:
    """Of an admin whose actions ask for evaluations."""

    def has_evaluate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may add evaluations may ask for one."""
        return request.user.has_perm("recommender.add_evaluationrun")


@admin.register(EvaluationRun)
class EvaluationRunAdmin(MayEvaluate, DetailAdmin[EvaluationRun], ReadOnlyAdmin[EvaluationRun]):
    """The evaluations of all catalogs, the latest first."""

    list_display = ("made", "catalog", "mode", "how", "tested", "rank", "ndcg", "recall")
    list_filter = (("catalog", base.RelatedDropdownFilter), ("mode", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("catalog",)
    list_per_page = 50
    sortable_by = ()
    list_before_template = "recommender/admin/evaluations.html"
    change_form_outer_before_template = "recommender/admin/evaluation.html"
    actions_list = ("evaluate_all",)
    actions_detail = ("evaluate_again",)
    fields = (("catalog", "mode"), ("made", "how"), ("tested", "products"), "command", "notes")
    readonly_fields = ("made", "how", "tested", "products", "command", "notes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The evaluations with their Facts; a whole document only where one is looked at."""
        runs = (
            super()
            .get_queryset(request)
            .annotate(
                split=KT("document__split"),
                k=KT("document__k"),
                users=KT("document__users"),
                ranked=RawSQL(evaluations.RANKED, (), JSONField()),  # noqa: S611 - a constant
            )
        )
        return runs.defer("document").order_by(F("made_at").desc())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below the pictures of just what it lists."""
        response = super().changelist_view(request, extra_context)
        if isinstance(response, TemplateResponse) and "cl" in (response.context_data or {}):
            context: dict[str, Any] = response.context_data  # type: ignore[assignment]  # a mapping to the stubs
            context["pictures"] = _pictures(context["cl"].queryset)
        return response

    @action(description="Evaluate now", permissions=["evaluate"], icon="monitoring")
    def evaluate_all(self, request: HttpRequest) -> HttpResponse:
        """Ask the workers to evaluate every catalog, once confirmed."""
        return self._ask(request, list(access.catalogs(request)), reverse(_LIST))

    @action(description="Evaluate now", permissions=["evaluate"], icon="monitoring")
    def evaluate_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the workers to evaluate this one's catalog, once confirmed."""
        run = self.get_object(request, object_id)
        return self._ask(request, [run.catalog] if run else [], reverse(_LIST))

    def _ask(self, request: HttpRequest, catalogs: Sequence[Catalog], back: str) -> HttpResponse:
        if not catalogs:
            messages.warning(request, "There is no catalog to evaluate; was it deleted?")
            return HttpResponseRedirect(back)
        context = base.page_context(self, request)
        return confirmation.confirm(
            request, question(catalogs), lambda _: evaluate(catalogs), back, context, catalogs
        )

    def tell(self, row: EvaluationRun) -> dict[str, Any]:
        """The table of its methods."""
        return {"methods": _methods(row.document)}

    @admin.display(description="Made")
    def made(self, run: EvaluationRun) -> SafeString:
        """When."""
        return fragments.moment(run.made_at)

    @admin.display(description="Lists")
    def how(self, run: "ListedEvaluation") -> str:
        """How long they were, and how history was cut."""
        return f"{run.k} products, split {_split(run.split)}"

    @admin.display(description="Users")
    def tested(self, run: "ListedEvaluation") -> str:
        """How many were tested."""
        return f"{int(run.users):,}"

    @admin.display(description="Ranker")
    def rank(self, run: "ListedEvaluation") -> str:
        """The best of the rankers."""
        return run.ranked["name"] if run.ranked else "-"

    @admin.display(description="NDCG")
    def ndcg(self, run: "ListedEvaluation") -> SafeString:
        """The ranker's."""
        return _of_ranker(run, "ndcg")

    @admin.display(description="Recall")
    def recall(self, run: "ListedEvaluation") -> SafeString:
        """The ranker's."""
        return _of_ranker(run, "recall")

    @admin.display(description="Products")
    def products(self, run: EvaluationRun) -> str:
        """How many could be listed."""
        return f"{run.document['products']:,}"

    @admin.display(description="Again")
    def command(self, run: EvaluationRun) -> str:
        """What makes these numbers again."""
        return str(run.document["command"])

    @admin.display(description="Notes")
    def notes(self, run: EvaluationRun) -> str:
        """What there is to say of it."""
        return " ".join(run.document["notes"]) or "-"


def question(catalogs: Sequence[Catalog]) -> Question:
    """Whether these catalogs are to be evaluated."""
    return Question(
        title=f"Evaluate {_names(catalogs)}",
        text="Workers replay the latest history of each and keep how well it would have been "
        "recommended, which takes from seconds to an hour. A catalog with too little history to "
        "be judged gets no evaluation.",
        button="Evaluate now",
    )


def evaluate(catalogs: Sequence[Catalog]) -> str:
    """Ask the workers to evaluate these catalogs; what to expect, in words.

    Raises:
        ActionError: the broker, which the workers would hear of it from, does not answer.
    """
    if reason := service.broker_problem():
        raise ActionError(
            f"Nothing was started, the broker does not answer: {reason}. Check that it runs."
        )
    for catalog in catalogs:
        evaluations.request(catalog)
    return format_html(
        'The next free worker evaluates {}; what it finds is added to <a href="{}" '
        'class="underline">Evaluations</a>.',
        _names(catalogs),
        reverse(_LIST),
    )


def _split(stored: str) -> str:
    """Where history was cut, in the form of all times; `last` is each user's last event."""
    return stored if stored == splits.LAST else fragments.time(datetime.fromisoformat(stored))


def _names(catalogs: Sequence[Catalog]) -> str:
    named = ", ".join(str(catalog) for catalog in catalogs[:_NAMED])
    others = len(catalogs) - _NAMED
    return f"{named} and {others:,} more" if others > 0 else named


def _of_ranker(run: "ListedEvaluation", metric: str) -> SafeString:
    return stacked(run.ranked["metrics"][metric] if run.ranked else None)


def _pictures(listed: QuerySet[EvaluationRun]) -> list[Chart]:
    """The trend of the catalogs and modes that are listed."""
    keys = ("catalog__name", "catalog_id", "mode")
    groups = listed.order_by(*keys).values_list(*keys).distinct()[:_PICTURES]
    trends = [
        (f"{name}: {Mode(mode).label.lower()}", evaluations.trend(catalog_id, mode, _POINTS))
        for name, catalog_id, mode in groups
    ]
    return [trend_chart(name, points) for name, points in trends if points]


def _methods(document: Mapping[str, Any]) -> Table:
    named = [metric.replace("_", " ").capitalize() for metric in METRICS]
    headers = ["Method", *(_heading(name) for name in named), "Seconds"]
    rows = [_row(method) for method in document["methods"]]
    return Table(headers, rows, f"{_NOTE} Lists of {document['k']} products.")


def _heading(name: str) -> str:
    return name.upper() if name in {"Ndcg", "Mrr"} else name


def _row(method: Mapping[str, Any]) -> list[Any]:
    metrics, seconds, note = method["metrics"], method["seconds"], method["note"]
    return [
        fragments.prose(method["name"], f"{method['kind']}: {note}" if note else method["kind"]),
        *(stacked(metrics[metric], _FORMS.get(metric, ".4f")) for metric in METRICS),
        "-" if seconds is None else f"{seconds:,.1f}",
    ]
