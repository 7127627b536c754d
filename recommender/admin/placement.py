"""Placements: a list of them, their drafts as forms, preview, publishing, history, undo."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from recommender.admin import (
    access,
    base,
    confirmation,
    fragments,
    picker,
    placement_edit,
    placement_history,
    placement_inspector,
    placement_preview,
)
from recommender.admin.base import ModelAdmin, RelatedDropdownFilter
from recommender.admin.placement_edit import NewForm
from recommender.admin.placement_form import LISTS
from recommender.admin.placement_inspector import InspectorForm
from recommender.catalog import placement_changes, placements
from recommender.models import Placement

if TYPE_CHECKING:
    from recommender.catalog.placements import WithLive

_NAME = "recommender_placement"


def address(page: str, placement: Placement) -> str:
    """Of a page of a placement."""
    return reverse(f"admin:{_NAME}_{page}", args=[placement.pk])


@admin.register(Placement)
class PlacementAdmin(ModelAdmin[Placement]):
    """The placements of all catalogs; what is published counts within a second."""

    list_display = ("name", "catalog", "shown_list", "live", "state", "changed")
    list_filter = (("catalog", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("catalog",)
    list_per_page = 50
    sortable_by = ()
    search_fields = ("name__icontains",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        """With the version that serves."""
        return placements.with_live(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        """The pages of a placement, and what its pickers ask."""
        wrap = self.admin_site.admin_view
        return [
            path("pick/<int:catalog_id>/<str:kind>/", wrap(self._pick), name=f"{_NAME}_pick"),
            path("<int:pk>/preview/", wrap(self._preview), name=f"{_NAME}_preview"),
            path("<int:pk>/inspect/", wrap(self._inspect), name=f"{_NAME}_inspect"),
            path("<int:pk>/versions/", wrap(self._versions), name=f"{_NAME}_versions"),
            path("<int:pk>/again/<int:number>/", wrap(self._again), name=f"{_NAME}_again"),
            *super().get_urls(),
        ]

    @admin.display(description="List")
    def shown_list(self, placement: Placement) -> str:
        """What it is a list of."""
        operation: str = placement.draft["operation"]
        return LISTS.get(operation, operation)

    @admin.display(description="Live version")
    def live(self, placement: "WithLive") -> str:
        """The number of what serves."""
        return "-" if placement.live_number is None else str(placement.live_number)

    @admin.display(description="State")
    def state(self, placement: "WithLive") -> SafeString:
        """Whether the draft serves."""
        if placement.live_document is None:
            return fragments.badge("Not published", "warning")
        is_same = placement.live_document == placement.draft
        return fragments.badge("Live", "success") if is_same else fragments.badge("Draft", "info")

    @admin.display(description="Changed")
    def changed(self, placement: Placement) -> SafeString:
        """When the draft was last written."""
        return fragments.moment(placement.updated_at)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Name a new one."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = NewForm(request.POST or None)
        access.narrow_choices(form, request)
        if request.method == "POST" and form.is_valid():
            placement = form.made()
            self.log_addition(request, placement, "Made.")
            return HttpResponseRedirect(address("change", placement))
        context = base.page_context(self, request) | {"title": "New placement", "form": form}
        return TemplateResponse(request, "recommender/admin/placement_new.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """Its draft as forms."""
        placement = self.get_object(request, object_id)
        if placement is None:
            messages.warning(request, f"There is no placement {object_id!r}; was it deleted?")
            return HttpResponseRedirect(reverse(f"admin:{_NAME}_changelist"))
        if not self.has_view_or_change_permission(request, placement):
            raise PermissionDenied
        draft = placement_edit.Draft(placement, request.POST or None)
        if request.method == "POST":
            if not self.has_change_permission(request, placement):
                raise PermissionDenied
            if "discard" in request.POST:
                return self._discard(request, placement)
            if draft.is_valid():
                return self._save(request, placement, draft.document())
        return self._editor(request, placement, draft)

    def _save(
        self, request: HttpRequest, placement: Placement, document: dict[str, Any]
    ) -> HttpResponse:
        changes = placement_changes.changes(placement.draft, document)
        saved, _ = placements.put(placement.catalog, placement.name, document)
        if changes:
            self.log_change(request, saved, "; ".join(changes))
        if "publish" not in request.POST:
            messages.success(request, "The draft is saved; shoppers see no change yet.")
            return HttpResponseRedirect(address("change", placement))
        version = placements.publish(saved, request.user.get_username())
        self.log_change(request, saved, f"Published as version {version.number}.")
        messages.success(request, f"Version {version.number} is live.")
        return HttpResponseRedirect(address("change", placement))

    def _discard(self, request: HttpRequest, placement: Placement) -> HttpResponse:
        live = placements.live(placement)
        if live is not None:
            placements.put(placement.catalog, placement.name, live.document)
            self.log_change(request, placement, f"Draft thrown away for version {live.number}.")
            messages.success(request, "The draft is again what is live.")
        return HttpResponseRedirect(address("change", placement))

    def _editor(
        self, request: HttpRequest, placement: Placement, draft: placement_edit.Draft
    ) -> HttpResponse:
        live = placements.live(placement)
        context = base.page_context(self, request) | {
            "title": placement.name,
            "placement": placement,
            "list": self.shown_list(placement),
            "draft": draft,
            "is_refused": request.method == "POST",
            "live": live,
            "changes": []
            if live is None
            else placement_changes.changes(live.document, placement.draft),
            "published": None if live is None else fragments.moment(live.published_at),
            "warnings": placement_edit.warnings(placement),
            "may_change": self.has_change_permission(request, placement),
            "may_delete": self.has_delete_permission(request, placement),
            "takes": draft.takes,
            # A version that was never changed is no step to go back to.
            "undo": live.number - 1 if live is not None and live.number > 1 else None,
            "media": draft.media,
        }
        return TemplateResponse(request, "recommender/admin/placement.html", context)

    def _preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        placement = self._found(request, pk)
        live = placements.live(placement)
        form = placement_preview.ShopperForm(
            placement.catalog, placement.draft["operation"], request.GET.dict()
        )
        asked = form.request
        tables = []
        if asked is not None:
            both = placement_preview.sides(placement, asked, live.number if live else None)
            tables = placement_preview.tables(placement.catalog, both)
        context = base.page_context(self, request) | {
            "title": f"Preview of {placement.name}",
            "placement": placement,
            "form": form,
            "tables": tables,
            "media": form.media,
        }
        return TemplateResponse(request, "recommender/admin/placement_preview.html", context)

    def _inspect(self, request: HttpRequest, pk: int) -> HttpResponse:
        placement = self._found(request, pk)
        form = InspectorForm(placement.catalog, placement.draft["operation"], request.GET.dict())
        context = base.page_context(self, request) | {
            "title": f"How a list of {placement.name} comes about",
            "placement": placement,
            "form": form,
            "tables": placement_inspector.tables(placement, form),
            "media": form.media,
        }
        return TemplateResponse(request, "recommender/admin/placement_inspect.html", context)

    def _versions(self, request: HttpRequest, pk: int) -> HttpResponse:
        placement = self._found(request, pk)
        context = base.page_context(self, request) | {
            "title": f"History of {placement.name}",
            "placement": placement,
            "versions": placement_history.versions(
                placement, may_change=self.has_change_permission(request, placement)
            ),
            "log": placement_history.log(placement),
        }
        return TemplateResponse(request, "recommender/admin/placement_history.html", context)

    def _again(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Publish an older version again, once confirmed."""
        placement = self._found(request, pk)
        if not self.has_change_permission(request, placement):
            raise PermissionDenied

        def act(_: bool) -> str:
            version = placement_history.roll_back(placement, number, request.user.get_username())
            self.log_change(request, placement, f"Version {number} again, as {version.number}.")
            return f"Version {number} is live again, as version {version.number}."

        return confirmation.confirm(
            request,
            placement_history.question(placement, number),
            act,
            address("change", placement),
            base.page_context(self, request),
        )

    def _pick(self, request: HttpRequest, catalog_id: int, kind: str) -> HttpResponse:
        catalog = access.catalogs(request).filter(pk=catalog_id).first()
        if catalog is None or kind not in (picker.PRODUCTS, picker.USERS):
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        return picker.answer(request, catalog, kind)

    def _found(self, request: HttpRequest, pk: int) -> Placement:
        if not self.has_view_permission(request):
            raise PermissionDenied
        placement = self.get_queryset(request).select_related("catalog").filter(pk=pk).first()
        if placement is None:
            raise Http404
        return placement
