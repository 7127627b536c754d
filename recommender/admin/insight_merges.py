"""Duplicates on the page of a run: merged into the entry to keep, and parted again."""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.admin import confirmation, fragments
from recommender.admin.confirmation import ActionError, Question
from recommender.history.merge_products import MergeError, merge_products, part_products
from recommender.insight.findings import FoundRow
from recommender.insight.kinds import duplicates
from recommender.models import InsightFinding, InsightRun, ProductMerge

Log = Callable[[InsightRun, str], object]


def may_merge(request: HttpRequest, run: InsightRun) -> bool:
    """Whether there are duplicates that this person may merge."""
    is_told = run.kind == duplicates.KIND.name and run.status == InsightRun.Status.DONE
    return is_told and request.user.has_perm("recommender.change_product")


def links(run: InsightRun, rows: Sequence[FoundRow]) -> Callable[[FoundRow], SafeString]:
    """Of a finding the way to merge it, or that it is merged and the way back."""
    keys = [row.product_key for row in rows if row.product_key is not None]
    merges = ProductMerge.objects.filter(product__in=keys).select_related("kept")
    kept = {merge.product_id: merge.kept.external_id for merge in merges}

    def link(row: FoundRow) -> SafeString:
        if row.product_key is None:
            return SafeString("-")
        into = kept.get(row.product_key)
        name = "merge" if into is None else "part"
        address = reverse(f"admin:recommender_insightrun_{name}", args=[run.pk, row.product_key])
        if into is None:
            return format_html('<a href="{}" class="text-link">Merge</a>', address)
        badge = fragments.badge(f"Merged into {into}", "success")
        return format_html('{} <a href="{}" class="text-link">Undo</a>', badge, address)

    return link


def merge(
    request: HttpRequest, run_id: int, product: int, context: dict[str, Any], log: Log
) -> HttpResponse:
    """Merge a second entry into the one to keep, once confirmed."""
    found = _finding(request, run_id, product)
    kept, gone = found.group, _gone(found)
    question = Question(
        title=f"Merge {gone} into {kept}",
        text=f"{kept} gets the events of {gone}, which is listed no more; its id stands for {kept} "
        "from then on. It can be undone.",
        button="Merge",
    )

    def act(_: bool) -> str:
        try:
            moved = merge_products(found.run.catalog, kept, gone, request.user.get_username())
        except MergeError as exc:
            raise ActionError(str(exc)) from exc
        log(found.run, f"{gone} merged into {kept}, with {moved:,} events.")
        return f"{gone} is merged into {kept}; {moved:,} events changed hands."

    return confirmation.confirm(request, question, act, _back(run_id), context)


def part(
    request: HttpRequest, run_id: int, product: int, context: dict[str, Any], log: Log
) -> HttpResponse:
    """Undo a merge, once confirmed."""
    found = _finding(request, run_id, product)
    merged = ProductMerge.objects.filter(product=product).select_related("kept").first()
    if merged is None:
        raise Http404
    kept, gone = merged.kept.external_id, _gone(found)
    question = Question(
        title=f"Part {gone} from {kept}",
        text=f"{gone} is listed again, with the events that it had; those that came since the "
        f"merge stay with {kept}.",
        button="Part them",
    )

    def act(_: bool) -> str:
        moved = part_products(found.run.catalog, kept, gone) or 0
        log(found.run, f"{gone} parted from {kept}, with {moved:,} events.")
        return f"{gone} is a product of its own again; {moved:,} events changed hands."

    return confirmation.confirm(request, question, act, _back(run_id), context)


def _finding(request: HttpRequest, run_id: int, product: int) -> InsightFinding:
    """The finding of a product that this person may merge.

    Raises:
        Http404: there is none.
        PermissionDenied: they may not.
    """
    findings = InsightFinding.objects.filter(run=run_id, product=product)
    found = findings.select_related("run__catalog", "product").defer("run__arrays").first()
    if found is None or found.run.kind != duplicates.KIND.name or found.product is None:
        raise Http404
    if not may_merge(request, found.run):
        raise PermissionDenied
    return found


def _gone(found: InsightFinding) -> str:
    name: str = found.product.external_id if found.product else ""
    return name


def _back(run_id: int) -> str:
    return reverse("admin:recommender_insightrun_change", args=[run_id])
