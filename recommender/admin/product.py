"""Products: the form held to the rules of the API, the filters, what is known of each."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from psycopg import sql
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from recommender.admin import access, base, fragments, freshness, preview
from recommender.admin.base import (
    BoundedPaginator,
    DetailAdmin,
    ExternalIdAdmin,
    JsonField,
    ModelForm,
    RelatedDropdownFilter,
    SimpleListFilter,
    key_in,
)
from recommender.admin.fields import AddressesField
from recommender.admin.fragments import Table
from recommender.admin.freshness import Freshness
from recommender.catalog import attributes, upsert, values
from recommender.catalog.catalogs import announce_changes
from recommender.catalog.values import BadValueError
from recommender.engine.answer import plain_value
from recommender.models import Product, ProductVector, QuarantinedProduct, Space

# More choices than this is no help; the search finds brands too.
_MAX_CHOICES = 300


class FreshnessFilter(SimpleListFilter):
    """By the state of the vector."""

    title = "vector"
    parameter_name = "vector"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """All states."""
        return Freshness.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The products in the chosen state."""
        state = self.value()
        return freshness.only(queryset, state) if state in Freshness.values else queryset


class ValueFilter(SimpleListFilter):
    """By a field's values, where they are few enough to choose from."""

    parameter_name: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:  # noqa: ARG002
        """The values of what is in stock: an index has them. None where they are too many."""
        visible = access.narrow(Product.objects.filter(deleted_at=None, in_stock=True), request)
        if catalog := key_in(request.GET.get("catalog__id__exact", "").strip()):
            visible = visible.filter(catalog_id=catalog)
        filled = visible.exclude(**{self.parameter_name: ""}).order_by(self.parameter_name)
        found = filled.values_list(self.parameter_name, flat=True).distinct()[: _MAX_CHOICES + 1]
        return [(value, value) for value in found] if len(found) <= _MAX_CHOICES else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """The products with the chosen value."""
        value = self.value()
        return queryset.filter(**{self.parameter_name: value}) if value else queryset


class CategoryFilter(ValueFilter):
    """By category."""

    title = parameter_name = "category"


class BrandFilter(ValueFilter):
    """By brand."""

    title = parameter_name = "brand"


class ProductForm(ModelForm[Product]):
    """A product's content, read and bounded as the API's."""

    image_urls = AddressesField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    video_urls = AddressesField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))

    class Meta:
        model = Product
        exclude = ()  # The fieldsets choose.
        field_classes: ClassVar = {
            "attributes": JsonField,
        }
        widgets: ClassVar = {
            "title": UnfoldAdminTextInputWidget,
            "category": UnfoldAdminTextInputWidget,
            "brand": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "attributes": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Four decimals are stored; money mostly has two.
        price = self.initial.get("price")
        if price is not None and price == round(price, 2):
            self.initial["price"] = round(price, 2)

    def clean(self) -> dict[str, Any]:
        """Each field as the API reads it, attributes of the declared types, and not too much."""
        for name, read in values.PRODUCT.items():
            if name in self.cleaned_data:
                self._read(name, read)
        declared = self.instance.catalog.attributes
        if reason := attributes.conflict(self.cleaned_data.get("attributes", {}), declared):
            self.add_error("attributes", f"Here {reason}.")
        elif not self.errors and (reason := upsert.too_large(self._document())):
            self.add_error(None, f"Here {reason}.")
        return self.cleaned_data

    def _read(self, name: str, read: Callable[[Any], Any]) -> None:
        given = self.cleaned_data[name]
        try:
            value = read(given)
        except BadValueError as exc:
            self.add_error(name, f"This {exc}.")
            return
        if not isinstance(given, Decimal):  # which is more exact than what is read
            self.cleaned_data[name] = getattr(Product(), name) if value is None else value

    def _document(self) -> dict[str, Any]:
        return {name: plain_value(self.cleaned_data.get(name)) for name in values.PRODUCT}


@admin.register(Product)
class ProductAdmin(DetailAdmin[Product], ExternalIdAdmin[Product]):
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
    list_filter_submit = True
    list_select_related = ("catalog",)
    list_per_page = 50
    list_disable_select_all = True
    sortable_by = ("title_or_id", "external_id", "list_price")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = BoundedPaginator
    search_fields = ("external_id__startswith", "title__icontains", "brand__iexact")
    search_help_text = "The beginning of an id, words of the title, or a brand"
    actions = ("re_embed",)
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
        """Its vectors and what it is similar to."""
        return {"vectors": _vectors(row), "similar": preview.similar(row)}


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
