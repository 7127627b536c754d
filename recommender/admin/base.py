"""What the admin's pages share: Unfold's ModelAdmin, and the kinds of pages that there are.

Unfold itself ships no types; the names here have those of Django's stubs.
"""

from abc import abstractmethod
from collections.abc import Callable, Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import orjson
from django import forms
from django.contrib.admin import ShowFacets
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from recommender.admin import access

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, SimpleListFilter
    from django.contrib.admin import RelatedFieldListFilter as RelatedDropdownFilter
    from django.forms import ModelForm

    _View = TypeVar("_View", bound=Callable[..., Any])

    def action(
        *, description: str, permissions: Sequence[str], icon: str
    ) -> Callable[[_View], _View]:
        """A button of a page, and the view behind it."""
        ...
else:
    from unfold.admin import ModelAdmin as UnfoldModelAdmin
    from unfold.contrib.filters.admin import DropdownFilter as SimpleListFilter
    from unfold.contrib.filters.admin import RelatedDropdownFilter as UnfoldRelatedDropdownFilter
    from unfold.decorators import action

    class _Subscriptable:
        """Takes its model as a type parameter, as in the stubs."""

        def __class_getitem__(cls, _model: Any) -> type:
            return cls

    class ModelAdmin(_Subscriptable, UnfoldModelAdmin):
        """Unfold's, of the catalogs that a person sees."""

        def get_queryset(self, request):
            """The rows of those catalogs: pages, buttons, searches and choices go by it."""
            return access.narrow(super().get_queryset(request), request)

        def formfield_for_foreignkey(self, db_field, request, **kwargs):
            """Only rows of those catalogs can be chosen."""
            if request is not None and access.path(db_field.related_model) is not None:
                rows = kwargs.get("queryset") or db_field.related_model._default_manager.all()
                kwargs["queryset"] = access.narrow(rows, request)
            return super().formfield_for_foreignkey(db_field, request, **kwargs)

    class RelatedDropdownFilter(UnfoldRelatedDropdownFilter):
        """Unfold's, of the catalogs that a person sees."""

        def field_choices(self, field, request, model_admin):
            """The rows of those catalogs."""
            rows = access.narrow(field.related_model._default_manager.all(), request)
            ordering = self.field_admin_ordering(field, request, model_admin)
            among = {"pk__in": rows.values("pk")}
            return field.get_choices(
                include_blank=False,
                ordering=ordering,
                limit_choices_to=among,
            )

    class ModelForm(_Subscriptable, forms.ModelForm):
        """Django's."""


__all__ = [
    "BoundedListAdmin",
    "BoundedPaginator",
    "DetailAdmin",
    "ExternalIdAdmin",
    "JsonField",
    "ModelAdmin",
    "ModelForm",
    "ReadOnlyAdmin",
    "RelatedDropdownFilter",
    "SimpleListFilter",
    "action",
    "key_in",
]


_M = TypeVar("_M", bound=Model)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # generic in the stubs only
    """Counts up to LIMIT rows and no further: who looks for more filters or searches."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # a list pages nothing else
        return rows.order_by().values("pk")[: self.LIMIT].count()


class BoundedListAdmin(ModelAdmin[_M]):
    """A list of any length: no page of it counts, or reads, more rows than it can page through."""

    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    paginator = BoundedPaginator


def key_in(address: str) -> int | None:
    """The primary key that a parameter of an address gives; None where it can be none."""
    return int(address) if address.isascii() and address.isdecimal() and len(address) < 19 else None


class JsonField(forms.JSONField):
    """JSON as the API reads it.

    Python's own reader takes NaN, 1e999 and half a surrogate pair, which the database refuses,
    and fails at numbers of thousands of digits and at deep nesting.
    """

    def to_python(self, value: Any) -> Any:
        """The value of what was typed in.

        Raises:
            ValidationError: it is not JSON.
        """
        if self.disabled or value in self.empty_values:
            return value if self.disabled else None
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as exc:
            raise ValidationError(f"This is not JSON: {exc}.") from exc

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed in, shown again as it was."""
        return initial if self.disabled or data is None else InvalidJSONInput(data)


class DetailAdmin(ModelAdmin[_M]):
    """A row whose page tells more than its fields: for the template beside the form."""

    @abstractmethod
    def tell(self, row: _M) -> dict[str, Any]:
        """What the template shows of the row, by name."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: _M | None = None,
    ) -> HttpResponse:
        """The form, and what there is to tell."""
        if obj is not None:
            context |= self.tell(obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


class ExternalIdAdmin(ModelAdmin[_M]):
    """Rows that have an id of the shop's, which may hold blanks."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[_M], search_term: str
    ) -> tuple[QuerySet[_M], bool]:
        """What begins with the whole term, where anything does; else what has all its words."""
        term = search_term.strip()
        if " " in term:
            whole = queryset.filter(external_id__startswith=term)
            if whole.exists():
                return whole, False
        return super().get_search_results(request, queryset, search_term)


class ReadOnlyAdmin(ModelAdmin[_M]):
    """Rows that a person looks at and something else writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: _M | None = None,  # noqa: ARG002
    ) -> bool:
        """Never."""
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: _M | None = None,  # noqa: ARG002
    ) -> bool:
        """Never."""
        return False


class SensibleButtons(ModelAdmin[_M]):
    """Rows whose page shows those of its buttons that make sense for the row as it is."""

    @abstractmethod
    def sensible(self, row: _M) -> set[str]:
        """The names of the buttons' methods."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The buttons."""
        row = self.get_object(request, str(object_id))
        sensible = self.sensible(row) if row else set()
        shown: list[Any] = super().get_actions_detail(request, object_id)  # type: ignore[misc]  # Unfold's
        return [button for button in shown if button.method.__name__ in sensible]


class RunAdmin(DetailAdmin[_M], ReadOnlyAdmin[_M]):
    """Runs of long work, the latest first; those whose process died are shown as failed."""

    # The page of a run of one of these states is asked for again, by itself, so often in seconds.
    unfinished: ClassVar[Container[str]] = ()
    refresh_seconds: ClassVar[int] = 3

    list_filter_submit = True
    list_select_related: ClassVar[Any] = ("catalog",)
    list_per_page = 50
    sortable_by = ()

    @abstractmethod
    def fail_dead(self) -> int:
        """Have the runs whose process died say so; how many they are."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list."""
        self.fail_dead()
        return super().changelist_view(request, extra_context)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: _M | None = None,
    ) -> HttpResponse:
        """The page, which comes again by itself while the run goes on."""
        page = super().render_change_form(request, context, add, change, form_url, obj)
        if obj is not None and getattr(obj, "status", None) in self.unfinished:
            page["Refresh"] = str(self.refresh_seconds)
        return page

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> _M | None:
        """A run."""
        self.fail_dead()
        return super().get_object(request, object_id, from_field)


def page_context(page: "ModelAdmin[Any]", request: HttpRequest) -> dict[str, Any]:
    """What the template of a page of a model's needs beside its own."""
    return {**page.admin_site.each_context(request), "opts": page.opts}


def record(request: HttpRequest, rows: Iterable[Model], text: str) -> None:
    """Keep in the history of these rows who did something to them, and what."""
    listed, person = list(rows), request.user.pk
    if listed and person is not None:
        LogEntry.objects.log_actions(person, listed, CHANGE, text)
