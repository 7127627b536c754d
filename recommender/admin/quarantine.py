"""Quarantine: the products that a model refused, why, and another try."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recommender.admin import access, base, counts, fragments
from recommender.admin.base import (
    BoundedListAdmin,
    ReadOnlyAdmin,
    RelatedDropdownFilter,
    SimpleListFilter,
    key_in,
)
from recommender.catalog.catalogs import announce_space
from recommender.models import QuarantinedProduct, Space
from recommender.spaces import quarantine

# More would hide the list below them.
_SPACES_SHOWN = 12
# More choices than this is no help; a catalog narrows them.
_MAX_CHOICES = 300
_LIST = "admin:recommender_quarantinedproduct_changelist"


def address(space: Space) -> str:
    """Of the list of a space's quarantined products."""
    return f"{reverse(_LIST)}?space={space.pk}"


class SpaceFilter(SimpleListFilter):
    """By space, of the chosen catalog."""

    title = parameter_name = "space"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """The spaces that are not retired; none where they are too many."""
        spaces = Space.objects.exclude(status=Space.Status.RETIRED).select_related("catalog")
        spaces = access.narrow(spaces, request)
        if catalog := key_in(request.GET.get("space__catalog__id__exact", "")):
            spaces = spaces.filter(catalog=catalog)
        listed = list(spaces[: _MAX_CHOICES + 1])
        if len(listed) > _MAX_CHOICES:
            return []
        return [(str(space.pk), f"{space.catalog}: {space}") for space in listed]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The products that the chosen space lacks."""
        chosen = key_in(self.value() or "")
        return queryset if chosen is None else queryset.filter(space=chosen)


@admin.register(QuarantinedProduct)
class QuarantinedProductAdmin(
    BoundedListAdmin[QuarantinedProduct], ReadOnlyAdmin[QuarantinedProduct]
):
    """What models refused, in all spaces; nothing here is edited, only tried again."""

    list_display = (
        "product_title",
        "product_key",
        "catalog",
        "space",
        "refusal",
        "content",
        "when",
    )
    list_display_links = ("when",)
    list_filter = (("space__catalog", RelatedDropdownFilter), SpaceFilter)
    sortable_by = ("when",)
    search_fields = (
        *("product__external_id__startswith", "product__title__icontains"),
        *("reason__icontains", "code__iexact"),
    )
    search_help_text = "The beginning of an id, words of the title or of the reason, or a code"
    actions = ("try_again",)
    list_before_template = "recommender/admin/quarantine.html"
    fields = (
        ("product_title", "product_key"),
        ("catalog", "space"),
        ("code", "when"),
        "reason",
        "content",
    )
    readonly_fields = ("product_title", "product_key", "catalog", "when", "content")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may change quarantined products may have them embedded again."""
        return request.user.has_perm("recommender.change_quarantinedproduct")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuarantinedProduct]:
        """Of the products that are not deleted; of those, what the page shows."""
        living = super().get_queryset(request).filter(product__deleted_at=None)
        return living.select_related("product", "space__catalog").defer(
            "product__description", "product__attributes", "space__alignment", "space__template"
        )

    def get_urls(self) -> list[URLPattern]:
        """The list, a row, and another try of all of a space."""
        view = self.admin_site.admin_view(self._try_space_again)
        name = "recommender_quarantinedproduct_retry"
        return [path("space/<int:space_id>/retry/", view, name=name), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, below the spaces that have anything in it."""
        spaces = Space.objects.exclude(status=Space.Status.RETIRED).select_related("catalog")
        spaces = access.narrow(spaces, request)
        counted = counts.of_quarantine(spaces).filter(quarantined_count__gt=0)
        context = {
            "quarantining": [
                (space, address(space), counts.quarantined(space.quarantined_count))
                for space in counted.order_by("-quarantined_count")[:_SPACES_SHOWN]
            ],
            "may_retry": self.has_retry_permission(request),
        }
        return super().changelist_view(request, context | (extra_context or {}))

    @admin.display(description="Product")
    def product_title(self, quarantined: QuarantinedProduct) -> SafeString:
        """The title, and the way to the product."""
        return fragments.product_link(quarantined.product)

    @admin.display(description="Id")
    def product_key(self, quarantined: QuarantinedProduct) -> str:
        """The product's id in its catalog."""
        return quarantined.product.external_id

    @admin.display(description="Catalog")
    def catalog(self, quarantined: QuarantinedProduct) -> str:
        """The space's and the product's."""
        return str(quarantined.space.catalog)

    @admin.display(description="Refused because")
    def refusal(self, quarantined: QuarantinedProduct) -> SafeString:
        """The provider's code and words."""
        return fragments.refusal(quarantined)

    @admin.display(description="Content")
    def content(self, quarantined: QuarantinedProduct) -> str:
        """Whether its content is still what was refused; once changed, it is tried again."""
        if quarantined.content_hash == quarantined.product.content_hash:
            return "Unchanged"
        return fragments.badge("Changed since", "info")

    @admin.display(description="When", ordering="at")
    def when(self, quarantined: QuarantinedProduct) -> SafeString:
        """When it was refused."""
        return fragments.moment(quarantined.at)

    @admin.action(description="Try again", permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[QuarantinedProduct]) -> None:
        """Have workers embed the selected products again."""
        chosen: dict[int, list[int]] = {}
        for space_id, product_id in queryset.values_list("space_id", "product_id"):
            chosen.setdefault(space_id, []).append(product_id)
        self._retry(request, chosen)

    def _try_space_again(self, request: HttpRequest, space_id: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_retry_permission(request):
            raise PermissionDenied
        self._retry(request, {space_id: None})
        return HttpResponseRedirect(reverse(_LIST))

    def _retry(self, request: HttpRequest, chosen: Mapping[int, Sequence[int] | None]) -> None:
        """Take these products of each space out, or all of them, and tell the workers."""
        number = 0
        spaces = list(
            access.narrow(Space.objects.filter(pk__in=chosen).select_related("catalog"), request)
        )
        base.record(request, spaces, "Out of quarantine.")
        for space in spaces:
            number += quarantine.retry(space, chosen[space.pk])
            announce_space(space)
        products = "1 product is" if number == 1 else f"{number:,} products are"
        self.message_user(
            request,
            f"{products} out of quarantine, and embedded again. What is refused again comes back.",
            messages.SUCCESS,
        )
        for space in spaces:
            if waiting := _waits(space):
                self.message_user(request, waiting, messages.WARNING)


def _waits(space: Space) -> str:
    """Why a space's products are not embedded at once; empty where they are."""
    if space.status == Space.Status.STANDBY:
        return f"{space.catalog}: {space} is on standby, and embedded when it is to serve again."
    if space.paused_reason:
        return f"{space.catalog}: embedding of {space} is paused: {space.paused_reason}"
    return ""


def link(space: Space) -> str:
    """How many products of a space are in quarantine, and the way to them."""
    number = quarantine.count(space)
    if not number:
        return "0"
    return format_html('<a href="{}" class="text-link">{}</a>', address(space), f"{number:,}")
