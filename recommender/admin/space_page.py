"""The pages on which a person makes, switches, compares and retires spaces."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from embeddings.errors import Misconfigured
from recommender.admin import space_comparison
from recommender.admin.space_form import NewSpaceForm
from recommender.catalog import changes
from recommender.insight.comparison import compare as compare_spaces
from recommender.models import Space
from recommender.spaces.partitions import SpaceError


def address(space: Space) -> str:
    """Of the space's own page."""
    return reverse("admin:recommender_space_change", args=[space.pk])


def create(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Ask for a new version, say what it would take, and make it when that is confirmed."""
    form = NewSpaceForm(request.POST or None)
    if form.is_valid():
        if "create" in request.POST:
            space = form.create()
            changes.announce_space(space)
            text = f"EmbeddedRow {space}. Workers embed it now; its page shows how far they are."
            messages.success(request, text)
            return HttpResponseRedirect(address(space))
        context["label"], context["estimate"] = form.expected()
    context |= {"title": "New version of a space", "form": form}
    return TemplateResponse(request, "recommender/admin/new_space.html", context)


def compare(request: HttpRequest, space: Space, context: dict[str, Any]) -> HttpResponse:
    """The space beside another version of its catalogue, once one is chosen."""
    others = Space.objects.filter(catalog=space.catalog_id).exclude(pk=space.pk)
    others = others.exclude(status=Space.Status.RETIRED).select_related("catalog")
    chosen = request.GET.get("with", "")
    other = others.filter(pk=int(chosen)).first() if chosen.isdecimal() else None
    context |= {"title": f"Compare {space}", "others": others, "other": other, "space": space}
    context["back"] = address(space)
    if other is not None:
        try:
            context["comparison"] = space_comparison.page(compare_spaces(other, space))
        except (SpaceError, Misconfigured) as exc:
            messages.error(request, str(exc))
            return HttpResponseRedirect(address(space))
    return TemplateResponse(request, "recommender/admin/compare.html", context)
