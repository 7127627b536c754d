"""The pages of insight: a run's figures as tables, its findings, the form that asks for one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from pydantic import ValidationError as ParameterError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from recommender.admin import access, fragments
from recommender.admin.base import JsonField, record
from recommender.admin.fragments import Table
from recommender.insight import findings, runs
from recommender.insight.findings import FoundRow, Place
from recommender.insight.kind import InsightError, Kind
from recommender.insight.kinds import KINDS
from recommender.models import Catalog, InsightRun

# So many findings on a page, rows of a table of figures, and parts in a cell.
_FINDINGS, _ROWS, _PARTS = 50, 200, 5
Deciding = Callable[[InsightRun, Sequence[FoundRow]], Callable[[FoundRow], SafeString]]
_UNKNOWN_PLACE = "This page is not there any more; the findings begin anew."


def figure_tables(run: InsightRun) -> list[Table]:
    """The figures: single ones in one table, and each list of rows in a table of its own."""
    lists = {name: value for name, value in run.figures.items() if _is_rows(value)}
    single = {name: value for name, value in run.figures.items() if name not in lists and value}
    tables = [Table(["Figures"], [[fragments.stored_table(single)]])] if single else []
    return tables + [_table(run, name, rows) for name, rows in lists.items()]


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _table(run: InsightRun, name: str, rows: list[dict[str, Any]]) -> Table:
    names = list(rows[0])
    cells = [[_cell(run, column, row.get(column)) for column in names] for row in rows[:_ROWS]]
    more = f"The first {_ROWS} of {len(rows):,}." if len(rows) > _ROWS else ""
    headers = [column.replace("_", " ").capitalize() for column in names]
    return Table(headers, cells, more, title=name.replace("_", " ").capitalize())


def _cell(run: InsightRun, column: str, value: Any) -> Any:
    if value is None or value == "":
        return "-"
    if column == "group":
        return format_html(
            '<a href="{}" class="text-link">{}</a>', _address(run, group=value), value
        )
    if isinstance(value, list):
        parts = [(_part(part),) for part in value[:_PARTS]]
        return format_html("<div>{}</div>", format_html_join(SafeString("<br>"), "{}", parts))
    return f"{value:,.4g}" if isinstance(value, float) else value


def _part(value: Any) -> str:
    """Of what has a title the title."""
    return str(value.get("title") or value.get("id")) if isinstance(value, dict) else str(value)


def findings_table(run: InsightRun, asked: Mapping[str, str], deciding: Deciding | None) -> Table:
    """A page of findings, and where the next one is.

    Args:
        asked: the query of the address: `group` and `after`, a cursor.
        deciding: makes what is shown beside each for a person to decide on it.
    """
    group, note, after = asked.get("group") or None, "", None
    try:
        after = Place.read(asked["after"]) if asked.get("after") else None
    except ValueError:
        note = _UNKNOWN_PLACE
    rows = findings.page(run, limit=_FINDINGS + 1, after=after, group=group)
    shown = rows[:_FINDINGS]
    last = shown[-1].place if len(rows) > _FINDINGS else None
    legend = _links(run, group, last)
    told = [[f"{row.score:.4g}", _group(run, row.group), _of(row), _data(row)] for row in shown]
    headers = ["Score", "Group", "Of", "What is told"]
    if deciding is not None:
        box = deciding(run, shown)
        headers.append("Decision")
        told = [[*cells, box(row)] for cells, row in zip(told, shown, strict=True)]
    return Table(headers, told, note, legend=legend)


def _links(run: InsightRun, group: str | None, last: Place | None) -> SafeString:
    ways = []
    if group is not None:
        ways.append((_address(run), f"All groups, not only {group}"))
    if last is not None:
        ways.append((_address(run, group=group, after=last.cursor), f"The next {_FINDINGS}"))
    return format_html_join("", '<a href="{}" class="text-link">{}</a>', ways)


def _address(run: InsightRun, **query: str | None) -> str:
    page = reverse("admin:recommender_insightrun_change", args=[run.pk])
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{page}?{given}" if given else page


def _group(run: InsightRun, group: str) -> str:
    if not group:
        return "-"
    return format_html('<a href="{}" class="text-link">{}</a>', _address(run, group=group), group)


def _of(row: FoundRow) -> str:
    """The product or the user, linked where there is a page."""
    name = row.title or row.product or row.user or "-"
    if row.product_key is not None and not row.is_deleted and row.product is not None:
        page = reverse("admin:recommender_product_change", args=[row.product_key])
        return format_html('<a href="{}" class="text-link">{}</a>', page, name)
    if row.user_key is not None and row.user is not None:
        page = reverse("admin:recommender_user_change", args=[row.user_key])
        return format_html('<a href="{}" class="text-link">{}</a>', page, name)
    return format_html("{} <span>(deleted)</span>", name) if row.is_deleted else name


def _data(row: FoundRow) -> SafeString:
    told = {name: value for name, value in row.told.items() if value is not None}
    reason, mend = told.pop("reason", ""), told.pop("mend", "")
    table = fragments.stored_table(told) if told else ""
    return format_html("{}{}", fragments.prose(reason, mend) if reason or mend else "", table)


class StartForm(forms.Form):
    """What a person asks for; the parameters are checked as those of the API."""

    catalog = forms.ModelChoiceField(
        Catalog.objects.order_by("name"), label="Catalog", widget=UnfoldAdminSelectWidget
    )
    kind = forms.ChoiceField(
        choices=lambda: [(kind.name, kind.title) for kind in KINDS.values()],
        widget=UnfoldAdminSelectWidget,
    )
    parameters = JsonField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text='As JSON, such as {"k": 12}; empty: the defaults. Below is what each kind takes.',
    )

    def clean(self) -> dict[str, Any]:
        """See that the kind takes the parameters."""
        chosen = super().clean() or {}
        if not self.errors:
            given = chosen.get("parameters") or {}
            try:
                chosen["checked"] = KINDS[chosen["kind"]].read(given)
            except (ParameterError, TypeError, ValueError) as exc:
                self.add_error("parameters", _complaint(exc))
        return chosen


def _complaint(error: Exception) -> list[str]:
    if not isinstance(error, ParameterError):
        return ["This is no object of parameters."]
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]


def start(
    request: HttpRequest, context: dict[str, Any], address: Callable[[InsightRun], str]
) -> HttpResponse:
    """Ask which kind of which catalog, and have workers do it."""
    form = StartForm(request.POST or None)
    access.narrow_choices(form, request)
    if form.is_valid():
        chosen = form.cleaned_data
        try:
            run = runs.request(chosen["catalog"], KINDS[chosen["kind"]], chosen["checked"])
        except InsightError as exc:
            form.add_error(None, exc.detail)
        except runs.AlreadyRunningError as exc:
            messages.warning(request, "One of the kind goes on already; this is its page.")
            return HttpResponseRedirect(address(exc.run))
        else:
            record(request, [run], "Asked for.")
            messages.success(request, "The next free worker does it; this page shows how far.")
            return HttpResponseRedirect(address(run))
    kinds = Table(["Kind", "What it tells", "Parameters"], [_told(kind) for kind in KINDS.values()])
    context |= {"title": "Find out", "form": form, "kinds": kinds}
    return TemplateResponse(request, "recommender/admin/find_out.html", context)


def _told(kind: Kind) -> list[Any]:
    takes = [
        (name, field.description or "") for name, field in kind.parameters.model_fields.items()
    ]
    lines = format_html_join("", "<div><code>{}</code>: {}</div>", takes)
    wrapped = format_html('<div class="max-w-xl whitespace-normal">{}</div>', lines)
    return [kind.title, fragments.prose(kind.help), wrapped]
