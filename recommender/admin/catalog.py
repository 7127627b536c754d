"""Catalogs: made with their text space, tuned, counted, deleted with all that is in them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from embeddings.errors import Misconfigured
from recommender.admin import (
    access,
    base,
    confirmation,
    counts,
    evaluation,
    feed,
    fragments,
    spend,
    spend_month,
    training,
)
from recommender.admin.base import ModelAdmin, ModelForm, action
from recommender.admin.confirmation import ActionError, Question
from recommender.admin.fields import WeightsField
from recommender.catalog import catalogs
from recommender.models import Catalog
from recommender.models.catalog import default_event_weights
from recommender.providers import ledger, models
from recommender.providers.ledger import Budget

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog


class CatalogForm(ModelForm[Catalog]):
    """A catalog's settings."""

    event_weights = WeightsField(
        initial=default_event_weights,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 13}),
        help_text="How much an event of each type counts in a profile, one type a line; what "
        "counts 0 or less builds no interest.",
    )

    class Meta:
        model = Catalog
        exclude = ()  # The fieldsets choose.


class NewCatalogForm(CatalogForm):
    """A new catalog's settings and the model of its text space."""

    model = forms.CharField(
        label="Embedding model",
        widget=UnfoldAdminTextInputWidget,
        help_text="What turns the products' texts into vectors. Stays as it is afterwards.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"].initial = settings.DEFAULT_MODEL

    def clean_model(self) -> str:
        """A model that there is."""
        key: str = self.cleaned_data["model"]
        try:
            models.spec(key)
        except Misconfigured as exc:
            raise ValidationError(str(exc)) from exc
        return key


_TUNED = (
    *("clock", "language", "half_life_days", "event_weights", ("rating_min", "rating_max")),
    "exclude_bots",
)

_PUBLIC = ("public_attributes", "browser_event_types")
_EFFECT = (("impressions_by", "touch_hours"), ("log_share", "log_days"))
# What nothing is made from: the log and its figures follow by themselves.
_NOTHING_FOLLOWS = {*_PUBLIC, "impressions_by", "touch_hours", "log_share", "log_days"}


@admin.register(Catalog)
class CatalogAdmin(evaluation.MayEvaluate, ModelAdmin[Catalog]):
    """All catalogs, with what is in them."""

    form = CatalogForm
    list_display = ("name", "clock", "products", "users", "events", "fresh")
    search_fields = ("name",)
    sortable_by = ("name",)
    actions = ("train_selected", "evaluate_selected")
    actions_detail = ("train", "evaluate")
    add_fieldsets = (
        (None, {"fields": ("name", "model", "monthly_budget", *_TUNED, *_PUBLIC, "in_shop")}),
    )
    fieldsets = (
        ("Contents", {"fields": (("products", "users"), ("events", "fresh"), "comes_from")}),
        ("Settings", {"fields": ("name", ("monthly_budget", "spent"), *_TUNED)}),
        ("Browser keys", {"fields": _PUBLIC}),
        ("Shop", {"fields": ("in_shop",)}),
        ("Effect", {"fields": _EFFECT}),
        ("Products", {"fields": ("attribute_types", ("popularity_refreshed_at", "created_at"))}),
    )
    readonly_fields = (
        "products",
        "users",
        "events",
        "fresh",
        "comes_from",
        "spent",
        "attribute_types",
        "popularity_refreshed_at",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The catalogs with their counts."""
        return counts.of_catalogs(super().get_queryset(request))

    def get_form(
        self, request: HttpRequest, obj: Catalog | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Catalog]]:
        """A new catalog is asked for its model too."""
        if obj is None:
            kwargs["form"] = NewCatalogForm
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Catalog | None = None) -> Any:
        """The name stays: commands and scripts say it."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if obj is None else (*fixed, "name")

    def has_train_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may add trainings may ask for one."""
        return request.user.has_perm("recommender.add_trainingrun")

    @admin.action(description="Train now", permissions=["train"])
    def train_selected(self, request: HttpRequest, queryset: QuerySet[Catalog]) -> None:
        """Ask the workers to train the selected catalogs."""
        base.record(request, queryset, "Train now.")
        for catalog in queryset:
            self.message_user(request, training.ask_for(catalog), messages.SUCCESS)

    @action(description="Train now", permissions=["train"], icon="model_training")
    def train(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the workers to train it, once confirmed."""
        return self._confirm(request, object_id, training.question, training.ask_for)

    @admin.action(description="Evaluate now", permissions=["evaluate"])
    def evaluate_selected(self, request: HttpRequest, queryset: QuerySet[Catalog]) -> None:
        """Ask the workers to evaluate the selected catalogs."""
        try:
            self.message_user(request, evaluation.evaluate(list(queryset)), messages.SUCCESS)
            base.record(request, queryset, "Evaluate now.")
        except ActionError as exc:
            self.message_user(request, str(exc), messages.ERROR)

    @action(description="Evaluate now", permissions=["evaluate"], icon="monitoring")
    def evaluate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the workers to evaluate it, once confirmed."""
        return self._confirm(
            request,
            object_id,
            lambda catalog: evaluation.question([catalog]),
            lambda catalog: evaluation.evaluate([catalog]),
        )

    def _confirm(
        self,
        request: HttpRequest,
        object_id: str,
        question: Callable[[Catalog], Question],
        act: Callable[[Catalog], str],
    ) -> HttpResponse:
        catalog = self.get_object(request, object_id)
        if catalog is None:
            self.message_user(request, f"There is no catalog {object_id!r}.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:recommender_catalog_changelist"))
        context = base.page_context(self, request)
        return confirmation.confirm(
            request,
            question(catalog),
            lambda _: act(catalog),
            reverse("admin:recommender_catalog_change", args=[catalog.pk]),
            context,
            [catalog],
        )

    @admin.display(description="Products")
    def products(self, catalog: "CountedCatalog") -> str:
        """How many are not deleted."""
        return f"{catalog.product_count:,}"

    @admin.display(description="Users")
    def users(self, catalog: "CountedCatalog") -> str:
        """How many are known."""
        return f"{catalog.user_count:,}"

    @admin.display(description="Events")
    def events(self, catalog: "CountedCatalog") -> str:
        """How many were taken in, up to a limit."""
        return counts.events(catalog.event_count)

    @admin.display(description="Fresh vectors")
    def fresh(self, catalog: "CountedCatalog") -> SafeString:
        """The share of the products with a fresh vector."""
        share = catalog.fresh_count / (catalog.product_count or 1)
        return fragments.bar(share, f"{share:.1%}")

    @admin.display(description="Attributes")
    def attribute_types(self, catalog: Catalog) -> SafeString:
        """The attributes that products have declared, and the type of each; filters go by them."""
        return fragments.named_values(sorted(catalog.attributes.items()))

    @admin.display(description="Feed")
    def comes_from(self, catalog: Catalog) -> SafeString:
        """Where its products come from, when, and how that went."""
        return feed.of_catalog(catalog)

    @admin.display(description="Spent this month")
    def spent(self, catalog: Catalog) -> str:
        """What embedding has cost, what is reserved for calls, and of which budget."""
        cost, reserved = ledger.spent(catalog, ledger.today())
        limit = catalog.monthly_budget
        if limit is None:
            return spend_month.dollars(cost)
        return spend.budget_bar(Budget(catalog.pk, catalog.name, limit, cost, reserved))

    def save_model(
        self, request: HttpRequest, obj: Catalog, form: ModelForm[Catalog], change: bool
    ) -> None:
        """Make the catalog with its space; or save it, and have what is made from it follow."""
        if not change:
            model = form.cleaned_data["model"]
            created = catalogs.create_catalog(obj.name, clock=obj.clock, model=model)
            obj.pk, obj.created_at = created.pk, created.created_at
            obj.save(force_update=True)
            access.give(request, obj)
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)
            if _NOTHING_FOLLOWS.issuperset(form.changed_data):
                return
            budget = catalogs.NO_LIMIT if obj.monthly_budget is None else obj.monthly_budget
            if form.changed_data == ["monthly_budget"]:
                catalogs.change_catalog(obj, monthly_budget=budget)
                return
            catalogs.change_catalog(
                obj, clock=obj.clock, half_life_days=obj.half_life_days, monthly_budget=budget
            )
            text = (
                "Popularity is counted anew. The profiles are stale: each is rebuilt when it is "
                "asked for, or by the next profile refresh."
            )
            self.message_user(request, text, messages.INFO)

    def get_deleted_objects(
        self,
        objs: Any,
        request: HttpRequest,  # noqa: ARG002
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Counts, not rows: a catalog may hold millions."""
        counted = counts.of_catalogs(
            Catalog.objects.filter(pk__in=[catalog.pk for catalog in objs])
        )
        # A name, then the list of what is below it, as Django's nested lists go.
        named: list[Any] = []
        for catalog in counted:
            named += [f"Catalog {catalog.name}, with", _contents(catalog)]
        numbers = {
            "catalogs": len(counted),
            "products": sum(catalog.product_count for catalog in counted),
            "users": sum(catalog.user_count for catalog in counted),
        }
        return named, numbers, set(), []

    def delete_model(self, request: HttpRequest, obj: Catalog) -> None:  # noqa: ARG002
        """Remove the catalog with its partitions."""
        catalogs.delete_catalog(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Catalog]) -> None:  # noqa: ARG002
        """Remove the catalogs with their partitions."""
        for catalog in queryset:
            catalogs.delete_catalog(catalog)


def _contents(catalog: "CountedCatalog") -> list[str]:
    return [
        f"{catalog.product_count:,} products and their vectors",
        f"{catalog.user_count:,} users and their profiles",
        f"{counts.events(catalog.event_count)} events",
        "all of its spaces and API keys",
    ]
