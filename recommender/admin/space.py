"""Spaces: their models, coverage, index and size; made, switched and retired here."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from recommender.admin import counts, fragments, quarantine
from recommender.admin.base import RelatedDropdownFilter
from recommender.admin.space_actions import SpaceActions
from recommender.models import Space
from recommender.spaces.lifecycle import LIVING

if TYPE_CHECKING:
    from recommender.admin.counts import CountedSpace

_COLOURS = {
    Space.Status.BUILDING: "info",
    Space.Status.ACTIVE: "success",
    Space.Status.STANDBY: "primary",
    Space.Status.RETIRED: "warning",
}
_TRAINED = (
    (
        None,
        {
            "description": "Learnt from what users did. Each training makes a new version, which "
            "serves by itself only where a replay of the last days shows it to do better.",
            "fields": (
                ("label", "catalog"),
                "state",
                "training",
                ("activated_at", "retired_at"),
                ("trainer", "dimension"),
            ),
        },
    ),
    ("Vectors", {"fields": (("coverage", "size"),)}),
    ("Index", {"fields": (("indexed", "measured_recall"), ("metric", "ef_search"))}),
)
_WHY_READ_ONLY = (
    "A space cannot be edited: another model or template in the same space would mix vectors "
    "that cannot be compared. A new version of the space is embedded beside this one instead."
)


@admin.register(Space)
class SpaceAdmin(SpaceActions):
    """Every version of every space; looked at here, changed by making another version."""

    list_display = (
        "label",
        "catalog",
        "model",
        "dimension",
        "state",
        "coverage",
        "indexed",
        "ef_search",
        "measured_recall",
        "size",
    )
    list_filter = (("catalog", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("catalog",)
    sortable_by = ()
    fieldsets = (
        (
            None,
            {
                "description": _WHY_READ_ONLY,
                "fields": (
                    ("label", "catalog"),
                    "state",
                    ("activated_at", "retired_at"),
                    ("model", "dimension"),
                    ("kind", "output"),
                    "long_text",
                    "template",
                    "instruction",
                ),
            },
        ),
        ("Vectors", {"fields": (("coverage", "size"), ("quarantined", "embedded_at"), "paused")}),
        ("Index", {"fields": (("indexed", "measured_recall"), ("metric", "ef_search"))}),
    )
    readonly_fields = ("trainer", "training")

    def get_fieldsets(self, request: HttpRequest, obj: Space | None = None) -> Any:
        """Of what is trained, nothing that only embedding has."""
        if obj is not None and obj.kind == Space.Kind.BEHAVIOUR:
            return _TRAINED
        return super().get_fieldsets(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The spaces with their counts."""
        return counts.of_spaces(super().get_queryset(request))

    @admin.display(description="Space")
    def label(self, space: Space) -> str:
        """name@version."""
        return str(space)

    @admin.display(description="Status")
    def state(self, space: Space) -> SafeString:
        """Building, active, standby or retired, and whether its embedding is paused."""
        state = fragments.badge(space.get_status_display(), _COLOURS[Space.Status(space.status)])
        if not space.paused_reason:
            return state
        held_back = fragments.badge("Paused", "danger")
        if space.kind == Space.Kind.BEHAVIOUR:
            held_back = fragments.badge("Not better", "warning")
        return format_html('<span class="flex gap-2">{}{}</span>', state, held_back)

    @admin.display(description="Embedding")
    def paused(self, space: Space) -> str:
        """Why nothing is embedded, and since when."""
        if not space.paused_reason or space.paused_at is None:
            return "Goes on by itself." if space.status in LIVING else "Not embedded."
        return f"Paused since {fragments.time(space.paused_at)}: {space.paused_reason}"

    @admin.display(description="Training")
    def training(self, space: Space) -> str:
        """Until when it learnt; and where it does not serve for that, why."""
        if space.trained_until is None:
            return "Not trained yet."
        learnt = f"Learnt from events until {fragments.time(space.trained_until)}."
        return f"{learnt} Not activated: {space.paused_reason}" if space.paused_reason else learnt

    @admin.display(description="Trainer")
    def trainer(self, space: Space) -> str:
        """What learnt it."""
        return space.model

    @admin.display(description="Quarantined products")
    def quarantined(self, space: Space) -> str:
        """How many the model refused, and the way to them."""
        return quarantine.link(space)

    @admin.display(description="Fresh vectors")
    def coverage(self, space: "CountedSpace") -> SafeString:
        """How many of the products have a fresh vector."""
        share = space.fresh_count / (space.product_count or 1)
        return fragments.bar(share, f"{space.fresh_count:,} of {space.product_count:,}")

    @admin.display(description="Index rows")
    def indexed(self, space: Space) -> str:
        """How many vectors the index was built and measured with."""
        return f"{space.indexed_rows:,}"

    @admin.display(description="Recall@20")
    def measured_recall(self, space: Space) -> str:
        """What the index was measured to find."""
        return "not measured" if space.recall is None else f"{space.recall:.3f}"

    @admin.display(description="Size")
    def size(self, space: "CountedSpace") -> str:
        """What the space takes on disk, with its index and profiles."""
        return filesizeformat(space.storage)
