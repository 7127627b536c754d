"""Users: what they did, what they like, and what they would be shown."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from recommender.admin import base, fragments, preview
from recommender.admin.base import (
    BoundedListAdmin,
    DetailAdmin,
    ExternalIdAdmin,
    RelatedDropdownFilter,
)
from recommender.admin.fragments import Table
from recommender.admin.user_rights import UserRights
from recommender.models import Event, ProfileVector, Space, User

_EVENTS_SHOWN = 50


@admin.register(User)
class UserAdmin(BoundedListAdmin[User], DetailAdmin[User], ExternalIdAdmin[User], UserRights):
    """Shoppers, readers, viewers. They come with their first event."""

    list_display = ("external_id", "catalog", "exclusion", "last_event_at", "created_at")
    list_filter = (
        ("catalog", RelatedDropdownFilter),
        ("last_event_at", admin.EmptyFieldListFilter),
        "exclusion",
    )
    list_select_related = ("catalog",)
    sortable_by = ("external_id",)
    search_fields = ("external_id__startswith",)
    search_help_text = "The beginning of an id"
    change_form_outer_before_template = "recommender/admin/user.html"
    fields = (
        ("external_id", "catalog"),
        ("last_event_at", "created_at"),
        "exclusion",
        "standing",
        "known",
    )
    readonly_fields = ("standing", "known")
    actions = ("exclude_selected", "keep_selected", "undecide_selected")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Whether somebody may say who counts: who may change a catalog's settings."""
        return request.user.has_perm("recommender.change_catalog")

    @admin.action(description="Exclude from training and popularity", permissions=["decide"])
    def exclude_selected(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """What they did counts no more."""
        self._decide(request, users, User.Exclusion.PERSON)

    @admin.action(description="Keep: a customer, whatever it looks like", permissions=["decide"])
    def keep_selected(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """What they did counts, though a run says that they are bots."""
        self._decide(request, users, User.Exclusion.KEPT)

    @admin.action(description="Undo the decision", permissions=["decide"])
    def undecide_selected(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """The next run says anew what they look like."""
        self._decide(request, users, User.Exclusion.NONE)

    def _decide(
        self, request: HttpRequest, users: QuerySet[User], exclusion: User.Exclusion
    ) -> None:
        base.record(request, users, f"{exclusion.label}.")
        count = users.update(exclusion=exclusion)
        noun = "user" if count == 1 else "users"
        text = f"{count:,} {noun}: {exclusion.label.lower()}, from the next training and count on."
        self.message_user(request, text)

    @admin.display(description="Browser keys")
    def standing(self, user: User) -> str:
        """Whose list browser keys get for them."""
        if user.is_anonymous:
            return "A guest: whoever knows the id gets their list."
        return "Known to the shop's server: their list needs a user token."

    @admin.display(description="Attributes")
    def known(self, user: User) -> SafeString:
        """What the shop says of them."""
        return fragments.named_values(
            [
                (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
                for name, value in user.attributes.items()
            ]
        )

    def tell(self, row: User) -> dict[str, Any]:
        """Their recommendations, interests and history."""
        return {
            # First: asking for recommendations rebuilds a profile that is stale.
            "recommendations": preview.recommendations(row),
            "interests": [_interests(row, space) for space in _spaces(row)],
            "history": _history(row),
        }


def _spaces(user: User) -> list[Space]:
    return list(Space.objects.filter(catalog=user.catalog_id, status=Space.Status.ACTIVE))


def _interests(user: User, space: Space) -> Table:
    """The user's profile in a space: how much each vector weighs, and what it stands for."""
    profile = (
        ProfileVector.objects.filter(space=space, user=user)
        .exclude(kind=ProfileVector.Kind.NONE)
        .select_related("product")
        .defer("embedding")
        .order_by("kind", "position")
    )
    rows = [
        [
            row.get_kind_display(),
            fragments.bar(row.weight, f"{row.weight:.0%}"),
            fragments.product_link(row.product) if row.product else "-",
        ]
        for row in profile
    ]
    return Table(["Kind", "Weight", "Its most typical product"], rows, title=str(space))


def _history(user: User) -> Table:
    """The user's latest events."""
    events = (
        Event.objects.filter(user=user)
        .select_related("product")
        .only("type", "at", "quantity", "value", *_PRODUCT_FIELDS)
        .order_by("-at")[:_EVENTS_SHOWN]
    )
    rows = [
        [
            fragments.moment(event.at),
            event.type,
            fragments.product_link(event.product) if event.product else "-",
            "-" if event.quantity is None else f"{event.quantity:g}",
            "-" if event.value is None else f"{event.value:g}",
        ]
        for event in events
    ]
    note = f"The latest {_EVENTS_SHOWN}." if len(rows) == _EVENTS_SHOWN else ""
    return Table(["Time", "Type", "Product", "Quantity", "Value"], rows, note)


_PRODUCT_FIELDS = ("product__external_id", "product__title", "product__deleted_at")
