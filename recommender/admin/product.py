"""Products: the list and what is done with it, and what is known of each."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from psycopg import sql
from unfold.contrib.filters.admin import BooleanRadioFilter

from recommender.admin import base, fragments, freshness, preview, product_bulk, product_shown
from recommender.admin.base import (
    BoundedListAdmin,
    DetailAdmin,
    ExternalIdAdmin,
    ModelForm,
    RelatedDropdownFilter,
    action,
)
from recommender.admin.fragments import Table
from recommender.admin.freshness import Freshness
from recommender.admin.product_filters import BrandFilter, CategoryFilter, FreshnessFilter
from recommender.admin.product_form import ProductForm
from recommender.catalog import attributes, upsert
from recommender.catalog.catalogs import announce_changes
from recommender.models import Product, ProductVector, QuarantinedProduct, Space


@admin.register(Product)
class ProductAdmin(BoundedListAdmin[Product], DetailAdmin[Product], ExternalIdAdmin[Product]):
    """The products of all catalogs that are not deleted."""

    form = ProductForm
    list_display = (
        "title_or_id",
        "external_id",
        "catalog",
        "category",
        "brand",
        "list_price",
        "in_stock",
        "vector",
    )
    list_display_links = ("title_or_id",)
    list_filter = (
        ("catalog", RelatedDropdownFilter),
        FreshnessFilter,
        ("in_stock", BooleanRadioFilter),
        CategoryFilter,
        BrandFilter,
    )
    list_select_related = ("catalog",)
    list_disable_select_all = True
    sortable_by = ("title_or_id", "external_id", "list_price")
    search_fields = ("external_id__startswith", "title__icontains", "brand__iexact")
    search_help_text = "The beginning of an id, words of the title, or a brand"
    actions = ("edit_together", "re_embed")
    actions_detail = ("why",)
    change_form_outer_after_template = "recommender/admin/product.html"
    readonly_fields = ("catalog", "external_id", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": (("catalog", "external_id"), "title", "description")}),
        (None, {"fields": ("category", "brand", ("price", "currency"), "in_stock")}),
        (
            None,
            {"fields": ("image_urls", "video_urls", "attributes", "released_at")},
        ),
        (None, {"fields": (("created_at", "updated_at"),)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Products come by import or through the API."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        """What is not deleted, with `freshness`."""
        return freshness.annotated(super().get_queryset(request).filter(deleted_at=None))

    @admin.display(description="Title", ordering="title")
    def title_or_id(self, product: Product) -> str:
        """The title; the id where there is none."""
        return str(product)

    @admin.display(description="Price", ordering="price")
    def list_price(self, product: Product) -> str:
        """Price and currency."""
        return fragments.price(product)

    @admin.display(description="Vector")
    def vector(self, product: Any) -> SafeString:
        """The state of the vector, as `freshness` has it."""
        state = Freshness(product.freshness)
        return fragments.badge(state.label, freshness.COLOURS[state])

    @admin.action(description="Edit together", permissions=["change"])
    def edit_together(
        self, request: HttpRequest, queryset: QuerySet[Product]
    ) -> HttpResponse | None:
        """Stock, category or off sale, of those chosen or of all that the filter shows."""
        shown = self.get_changelist_instance(request).get_queryset(request)
        return product_bulk.edit(self, request, queryset, shown)

    @admin.action(description="Re-embed", permissions=["change"])
    def re_embed(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:
        """Make the vectors stale; workers do the rest."""
        base.record(request, queryset, "Re-embed.")
        number = freshness.make_stale(queryset)
        products = "1 product is" if number == 1 else f"{number} products are"
        self.message_user(
            request,
            f"{products} stale now. Workers embed what is stale, at the latest with the next "
            "re-embed sweep; until then the present vectors serve.",
            messages.SUCCESS,
        )

    def save_model(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Product,
        form: ModelForm[Product],
        change: bool,  # noqa: ARG002
    ) -> None:
        """Write the fields that were changed, and no others: an import may run."""
        attributes.declare(obj.catalog, attributes.inferred(obj.attributes))
        obj.save(update_fields=[*form.changed_data, "updated_at"])
        announce_changes(obj.catalog)

    def delete_model(self, request: HttpRequest, obj: Product) -> None:
        """Mark the product deleted: histories go on speaking of it."""
        self.delete_queryset(request, Product.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Product]) -> None:  # noqa: ARG002
        """Mark the products deleted."""
        wanted = {"ids": list(queryset.values_list("pk", flat=True))}
        upsert.take_off_sale(sql.SQL("p.id = ANY(%(ids)s)"), wanted)

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """The products alone: nothing else goes with them."""
        return [str(product) for product in objs], {"products": len(objs)}, set(), []

    def tell(self, row: Product) -> dict[str, Any]:
        """What shoppers do with it, its vectors, and what it is similar to."""
        return {
            "figures": product_shown.figures_of(row),
            "sold_with": product_shown.sold_with(row),
            "vectors": _vectors(row),
            "similar": preview.similar(row),
        }

    def has_look_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may look at products."""
        return self.has_view_permission(request)

    @action(description="Why is this never shown?", permissions=["look"], icon="help")
    def why(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What keeps it from lists, in words."""
        product = self.get_object(request, object_id)
        if product is None:
            return HttpResponseRedirect(reverse("admin:recommender_product_changelist"))
        context = {
            **base.page_context(self, request),
            "title": f"Why is {product} never shown?",
            "tables": product_shown.why(product),
            "back": reverse("admin:recommender_product_change", args=[product.pk]),
        }
        return TemplateResponse(request, "recommender/admin/tables.html", context)


def _vectors(product: Product) -> Table:
    """The product's vector in every living space of its catalog, or why it has none."""
    spaces = Space.objects.filter(catalog=product.catalog_id).exclude(status=Space.Status.RETIRED)
    stored = ProductVector.objects.filter(product=product, space__in=spaces)
    vectors = {vector.space_id: vector for vector in stored}
    quarantined = QuarantinedProduct.objects.filter(product=product, space__in=spaces)
    refusals = {refusal.space_id: refusal for refusal in quarantined}
    rows = [
        _vector_row(product, space, vectors.get(space.pk), refusals.get(space.pk))
        for space in spaces
    ]
    return Table(["Space", "Status", "Model", "Vector", "Embedded at"], rows)


def _vector_row(
    product: Product,
    space: Space,
    vector: ProductVector | None,
    refusal: QuarantinedProduct | None,
) -> list[Any]:
    state = freshness.of_vector(product, vector, is_quarantined=refusal is not None)
    label = fragments.badge(state.label, freshness.COLOURS[state])
    embedded_at = fragments.moment(vector.embedded_at if vector else None)
    if refusal is not None:
        label = format_html("{} {}", label, fragments.refusal(refusal))
    if state == Freshness.REFUSED:
        embedded_at = fragments.moment(None)
    return [str(space), space.get_status_display(), space.model, label, embedded_at]
