"""Proposed categories on the page of a run: ticked and accepted or refused, or all at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.admin import fragments
from recommender.admin.confirmation import Question
from recommender.insight import decisions
from recommender.insight.decisions import Decided
from recommender.insight.findings import FoundRow
from recommender.models import CategoryDecision, InsightRun

Log = Callable[[str], object]

# The form's, which stands above the table that its boxes are in.
FORM = "decide"
# What is offered first.
_SURE = 0.9


def may_decide(request: HttpRequest, run: InsightRun) -> bool:
    """Whether there are proposals that this person may decide on: to accept changes products."""
    return decisions.proposes(run) and request.user.has_perm("recommender.change_product")


def proposing(request: HttpRequest, run_id: int) -> InsightRun:
    """A run by its key.

    Raises:
        Http404: there is none that proposes anything.
        PermissionDenied: this person may not decide on it.
    """
    run = InsightRun.objects.select_related("catalog").defer("arrays").filter(pk=run_id).first()
    if run is None or not decisions.proposes(run):
        raise Http404
    if not may_decide(request, run):
        raise PermissionDenied
    return run


def ways(run: InsightRun) -> dict[str, str]:
    """Where proposals are decided on."""
    names = ("decide", "accept_all")
    return {name: reverse(f"admin:recommender_insightrun_{name}", args=[run.pk]) for name in names}


def boxes(run: InsightRun, rows: Sequence[FoundRow]) -> Callable[[FoundRow], SafeString]:
    """Of a finding a box to tick, or what somebody has decided."""
    keys = [row.product_key for row in rows if row.product_key is not None]
    decided = CategoryDecision.objects.filter(catalog=run.catalog_id, product__in=keys)
    said = {(one.product_id, one.category): one for one in decided}

    def box(row: FoundRow) -> SafeString:
        one = said.get((row.product_key or 0, row.told.get("category", "")))
        if one is not None and one.is_accepted:
            return fragments.badge("Accepted", "success")
        if one is not None:
            return fragments.badge("Refused", "danger")
        return format_html(
            '<input type="checkbox" name="product" value="{}" form="{}" aria-label="Choose {}">',
            *(row.product, FORM, row.title or row.product),
        )

    return box


def decide(request: HttpRequest, run: InsightRun, back: str, log: Log) -> HttpResponse:
    """Accept or refuse what was ticked.

    Raises:
        PermissionDenied: it was not the form that asked.
    """
    said = request.POST.get("decision")
    if said not in {"accept", "refuse"}:
        raise PermissionDenied
    chosen = request.POST.getlist("product")
    if not chosen:
        messages.warning(request, "Tick products first.")
        return HttpResponseRedirect(back)
    given = dict.fromkeys(chosen, said == "accept")
    _tell(request, decisions.decide(run, given, request.user.get_username()), log)
    return HttpResponseRedirect(back)


def accept_all(
    request: HttpRequest, run: InsightRun, back: str, context: dict[str, Any], log: Log
) -> HttpResponse:
    """Ask from which confidence on, say how many these are, and accept them once confirmed."""
    least = _least(request.POST.get("from") or request.GET.get("from"))
    if request.method == "POST":
        decided = decisions.accept_all(run, least, request.user.get_username())
        _tell(request, decided, log, f" of a confidence of {least:g} or more")
        return HttpResponseRedirect(back)
    count = decisions.open_count(run, least)
    question = Question(
        title=f"Accept proposed categories of {run.catalog}",
        text=f"Open proposals of a confidence of {least:g} or more: {count:,}. Up to "
        f"{decisions.MOST:,} are accepted at once; products that have got another category since "
        "are left as they are.",
        button=f"Accept {min(count, decisions.MOST):,}",
    )
    context |= {"title": question.title, "question": question, "back": back, "least": least}
    return TemplateResponse(request, "recommender/admin/accept_all.html", context)


def _least(given: str | None) -> float:
    """A confidence; what is none is what is offered first."""
    try:
        least = float(given or _SURE)
    except ValueError:
        return _SURE
    return least if 0 <= least <= 1 else _SURE


def _tell(request: HttpRequest, decided: Sequence[Decided], log: Log, more: str = "") -> None:
    """Say what came of decisions, and have it logged where there was any."""
    counts = Counter(one.status for one in decided)
    done = [
        f"{counts[status]:,} {status}{more}"
        for status in (decisions.ACCEPTED, decisions.REFUSED)
        if counts[status]
    ]
    if done:
        log(f"Proposed categories: {'; '.join(done)}.")
    messages.success(request, f"Proposed categories: {'; '.join(done) or 'nothing to change'}.")
    skipped = [one for one in decided if one.status == decisions.SKIPPED]
    if skipped:
        named = "; ".join(f"{one.product}: {one.reason}" for one in skipped[:5])
        messages.warning(request, f"{len(skipped):,} left as they are. {named}")
