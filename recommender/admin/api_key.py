"""Who may come in: API keys, and Django's users and groups in Unfold's forms."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from recommender.admin import fragments
from recommender.admin.base import ModelForm, ReadOnlyAdmin, RelatedDropdownFilter, record
from recommender.api import snippet
from recommender.catalog import keys
from recommender.models import ApiKey, CatalogAccess

_LIMITS = (
    *(
        "origins",
        "placements",
        "fields",
        "requests_per_minute",
        "address_per_minute",
        "requests_per_day",
    ),
    "expires_at",
)
# Until when the key before it goes on where one is rotated here.
_OVERLAP = timedelta(days=1)
# Where a key would be, of which only its first letters are known.
_KEY_HERE = "PUT-THE-KEY-HERE"
_TAG = "This loads the snippet: <code>{}</code>. After an upgrade that changes it, copy it anew."


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin[ApiKey]):
    """The keys of all catalogs; of a key only its first letters are known."""

    list_display = (
        *("shown_prefix", "label", "catalog", "scope", "state", "last_used_at", "created_at"),
    )
    list_filter = (("catalog", RelatedDropdownFilter), ("scope", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("catalog",)
    sortable_by = ()
    actions = ("revoke", "rotate")
    fields = (
        ("shown_prefix", "label"),
        ("catalog", "scope"),
        ("state", "created_at", "last_used_at"),
        *_LIMITS,
    )
    add_fieldsets = (
        (None, {"fields": ("catalog", "scope", "label")}),
        ("Limits, all of them optional", {"fields": _LIMITS}),
    )

    formfield_overrides = {  # noqa: RUF012 - as Django has it
        **ReadOnlyAdmin.formfield_overrides,
        ArrayField: {"widget": UnfoldAdminTextInputWidget},
    }

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As the person's permissions say."""
        return request.user.has_perm("recommender.add_apikey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change keys may revoke them."""
        return request.user.has_perm("recommender.change_apikey")

    @admin.display(description="Key")
    def shown_prefix(self, key: ApiKey) -> str:
        """All of the key that is kept in the clear."""
        return f"{key.prefix}…"

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """With the tag for a page, where the key is for pages."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or obj.scope != ApiKey.Scope.BROWSER:
            return fieldsets
        tag = format_html(_TAG, snippet.tag(request, _KEY_HERE))
        return [*fieldsets, ("In a page", {"description": tag, "fields": ("integrity",)})]

    @admin.display(description="Hash (SRI) of kinship.js")
    def integrity(self, _key: ApiKey) -> str:
        """What a browser holds the snippet to."""
        return snippet.integrity()

    @admin.display(description="State")
    def state(self, key: ApiKey) -> SafeString:
        """Active, revoked or expired, and when."""
        if key.revoked_at is not None:
            return fragments.badge(f"Revoked {key.revoked_at:%-d %B %Y}", "danger")
        if key.expires_at is None:
            return fragments.badge("Active", "success")
        ends = f"{key.expires_at:%-d %B %Y, %H:%M} UTC"
        if key.expires_at <= timezone.now():
            return fragments.badge(f"Expired {ends}", "danger")
        return fragments.badge(f"Until {ends}", "warning")

    def save_model(
        self,
        request: HttpRequest,
        obj: ApiKey,
        form: ModelForm[ApiKey],  # noqa: ARG002
        change: bool,  # noqa: ARG002
    ) -> None:
        """Make the key and say it, this once."""
        limits = keys.limits_of(obj)
        created, plain = keys.new_key(obj.catalog, obj.scope, obj.label, **limits)
        obj.pk, obj.prefix = created.pk, created.prefix
        self._show(request, plain)
        if obj.scope == ApiKey.Scope.BROWSER:
            tag = snippet.tag(request, plain)
            self.message_user(request, format_html(_TAG, tag), messages.INFO)

    def _show(self, request: HttpRequest, plain: str) -> None:
        text = format_html("Copy the key now, nobody can show it again: <code>{}</code>", plain)
        self.message_user(request, text, messages.WARNING)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End the selected keys."""
        active = list(queryset.filter(revoked_at=None))
        for key in active:
            keys.revoke(key)
        record(request, active, "Revoked.")
        number = "1 key" if len(active) == 1 else f"{len(active)} keys"
        self.message_user(
            request, f"{number} revoked. Requests with a revoked key fail from now on."
        )

    @admin.action(description="Rotate: a new key, the old one ends in a day", permissions=["add"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Make a key in the place of each selected one, with its limits."""
        for key in queryset.filter(revoked_at=None).select_related("catalog"):
            _, plain = keys.rotate(key, _OVERLAP)
            record(request, [key], "Rotated.")
            self._show(request, plain)


admin.site.unregister(User)
admin.site.unregister(Group)


class CatalogAccessInline(StackedInline):  # type: ignore[misc]  # Unfold ships no types
    """The catalogs that a person is narrowed to."""

    model = CatalogAccess
    extra = 0
    autocomplete_fields = ("catalogs",)


@admin.register(User)
class OperatorAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # Unfold ships no types
    """People who may log in here; no relation to the users of a catalog."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:  # noqa: ARG002
        """A new person is narrowed once she is there."""
        return () if obj is None else (CatalogAccessInline,)


@admin.register(Group)
class OperatorGroupAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]  # Unfold ships no types
    """What groups of them may do."""
