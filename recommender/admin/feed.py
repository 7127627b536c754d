"""Feeds: where a catalog's products come from, when, and what came of the last time."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from embeddings.media.addresses import HIDDEN, user_of
from recommender.admin import access, base, confirmation, fragments
from recommender.admin.base import ModelAdmin, ModelForm, action
from recommender.admin.confirmation import Question
from recommender.admin.embedding import Notice
from recommender.admin.fields import format_choices
from recommender.catalog import feeds
from recommender.importing import product_arguments
from recommender.importing.row import RefusedError
from recommender.models import Catalog, Feed

_COLOURS = {
    Feed.Status.NEW: "info",
    Feed.Status.RUNNING: "primary",
    Feed.Status.DONE: "success",
    Feed.Status.UNCHANGED: "success",
    Feed.Status.FAILED: "danger",
}
_SCHEDULE = ("every_hours", "daily_at", "is_enabled")
_LIST = "admin:recommender_feed_changelist"


def _formats() -> list[tuple[str, str]]:
    return format_choices(product_arguments.FORMATS)


class FeedForm(ModelForm[Feed]):
    """Where a feed is, how it is read, and when."""

    format = forms.ChoiceField(choices=_formats, initial="auto", widget=UnfoldAdminSelectWidget)

    class Meta:
        model = Feed
        exclude = ()  # The fieldsets choose.
        help_texts: ClassVar = {
            "url": "Of a file of products, as ./kinship import_products takes it. A user and "
            "password, as in https://user:password@host/, are told to its host alone, never shown.",
        }
        widgets: ClassVar = {
            "url": UnfoldAdminTextInputWidget,
            "options": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.url:
            self.initial["url"] = self.instance.shown_url

    def clean_url(self) -> str:
        """The address, with the user and password that are kept where the page shows stars.

        Raises:
            ValidationError: it is another host's, which is not to be told them.
        """
        given: str = self.cleaned_data["url"]
        if user_of(given) != HIDDEN:
            return given
        kept = self.initial.get("url", "")
        if _host(given) != _host(kept):
            raise ValidationError("The address is of another host: give user and password anew.")
        return given.replace(HIDDEN, user_of(self.instance.url), 1)

    def clean_options(self) -> str:
        """Options that the command knows."""
        words: str = self.cleaned_data["options"]
        try:
            product_arguments.parse(words)
        except RefusedError as exc:
            raise ValidationError(str(exc)) from exc
        return words


@admin.register(Feed)
class FeedAdmin(ModelAdmin[Feed]):
    """The feeds of all catalogs."""

    form = FeedForm
    list_display = ("catalog", "address", "schedule", "state", "fetched", "came_to")
    list_select_related = ("catalog",)
    sortable_by = ()
    actions = ("fetch_selected",)
    actions_detail = ("fetch",)
    add_fieldsets: Any = (
        (None, {"fields": ("catalog", "url", "format", "options", "replace")}),
        ("Schedule", {"fields": (("every_hours", "daily_at"), "is_enabled")}),
    )
    fieldsets = (
        (
            "Last result",
            {"fields": (("state", "next"), ("fetched", "imported"), "error", "result", "report")},
        ),
        *add_fieldsets,
    )
    readonly_fields = ("state", "next", "fetched", "imported", "error", "result", "report")

    def get_fieldsets(self, request: HttpRequest, obj: Feed | None = None) -> Any:
        """A new one has no result."""
        if obj is None:
            return self.add_fieldsets
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return fieldsets
        # Without a form, the field is shown as it is stored.
        first, (title, settings), *others = fieldsets
        shown = tuple("address" if name == "url" else name for name in settings["fields"])
        return (first, (title, {"fields": shown}), *others)

    def get_readonly_fields(self, request: HttpRequest, obj: Feed | None = None) -> Any:
        """The catalog stays: its products came from here."""
        fixed = super().get_readonly_fields(request, obj)
        return () if obj is None else (*fixed, "catalog")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Feed]:
        """The feeds; one whose process died is shown as failed."""
        feeds.fail_dead()
        return super().get_queryset(request)

    def has_fetch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change feeds may have them fetched."""
        return request.user.has_perm("recommender.change_feed")

    def save_model(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Feed,
        form: ModelForm[Feed],
        change: bool,
    ) -> None:
        """Write the settings alone, as a worker may write the result; plan the next time."""
        if not change:
            obj.save()
        elif form.changed_data:
            obj.save(update_fields=form.changed_data)
        if not change or any(name in form.changed_data for name in (*_SCHEDULE, "url")):
            feeds.plan(obj)

    @admin.action(description="Fetch now", permissions=["fetch"])
    def fetch_selected(self, request: HttpRequest, queryset: QuerySet[Feed]) -> None:
        """Have workers fetch the selected feeds."""
        for feed in queryset:
            self.message_user(request, _fetch(feed), messages.SUCCESS)
            base.record(request, [feed], "Fetch now.")

    @action(description="Fetch now", permissions=["fetch"], icon="sync")
    def fetch(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have workers fetch it, once confirmed."""
        feed = self.get_object(request, object_id)
        if feed is None:
            self.message_user(request, f"There is no feed {object_id!r}.", messages.WARNING)
            return HttpResponseRedirect(reverse(_LIST))
        context = base.page_context(self, request)
        return confirmation.confirm(
            request,
            _question(feed),
            lambda is_forced: _fetch(feed, force=is_forced),
            reverse("admin:recommender_feed_change", args=[feed.pk]),
            context,
            [feed],
        )

    @admin.display(description="Address")
    def address(self, feed: Feed) -> SafeString:
        """Where it is."""
        return fragments.prose(feed.shown_url)

    @admin.display(description="Fetched")
    def schedule(self, feed: Feed) -> str:
        """When, in words."""
        return schedule(feed)

    @admin.display(description="Status")
    def state(self, feed: Feed) -> SafeString:
        """What came of the last time."""
        return fragments.badge(feed.get_status_display(), _COLOURS[Feed.Status(feed.status)])

    @admin.display(description="Next time")
    def next(self, feed: Feed) -> SafeString:
        """When it is due."""
        return fragments.moment(feed.next_at)

    @admin.display(description="Last fetched")
    def fetched(self, feed: Feed) -> SafeString:
        """When the last time ended."""
        return fragments.moment(feed.finished_at)

    @admin.display(description="Last imported")
    def imported(self, feed: Feed) -> SafeString:
        """When it last had something new."""
        return fragments.moment(feed.imported_at)

    @admin.display(description="Came to")
    def came_to(self, feed: Feed) -> SafeString:
        """What came of the products, or what went wrong."""
        return fragments.prose(feed.error or _counted(feed))

    @admin.display(description="Last import")
    def result(self, feed: Feed) -> SafeString:
        """What came of the rows."""
        return fragments.stored_table(dict(feed.counts))


def _host(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


_NOTICES = 10


def notices(request: HttpRequest) -> list[Notice]:
    """Of every feed that failed the last time why, for who may see feeds."""
    if not request.user.has_perm("recommender.view_feed"):
        return []
    failed = Feed.objects.filter(status=Feed.Status.FAILED).select_related("catalog")
    failed = access.narrow(failed, request)
    return [
        Notice(
            "danger",
            f"The {feed} failed",
            feed.error,
            [(str(feed), reverse("admin:recommender_feed_change", args=[feed.pk]))],
        )
        for feed in failed.order_by("-finished_at")[:_NOTICES]
    ]


def schedule(feed: Feed) -> str:
    """When a feed is fetched, in words."""
    if not feed.is_enabled:
        return "when asked for"
    if feed.daily_at is not None:
        return f"daily at {feed.daily_at:%H:%M} UTC"
    return "every hour" if feed.every_hours == 1 else f"every {feed.every_hours} hours"


def of_catalog(catalog: Catalog) -> SafeString:
    """A catalog's feed in a line, and the way to it or to a new one."""
    feed = Feed.objects.filter(catalog=catalog).first()
    if feed is None:
        address = f"{reverse('admin:recommender_feed_add')}?catalog={catalog.pk}"
        return format_html('none; <a href="{}" class="text-link">add one</a>', address)
    at = f", {fragments.time(feed.finished_at)}" if feed.finished_at else ""
    said = f"{schedule(feed)}; {feed.get_status_display()}{at}"
    address = reverse("admin:recommender_feed_change", args=[feed.pk])
    return format_html('<a href="{}" class="text-link">{}</a>: {}', address, feed.shown_url, said)


def _counted(feed: Feed) -> str:
    counts = [f"{count:,} {what}" for what, count in feed.counts if count]
    return ", ".join(counts) or "-"


def _question(feed: Feed) -> Question:
    return Question(
        title=f"Fetch the {feed}",
        text=f"A worker fetches {feed.shown_url} and imports it, where it has changed since the "
        "last time.",
        button="Fetch now",
        box="Fetch it even if it has not changed, and take off sale what it lacks even if that is "
        "more than 20 % of the products on sale",
    )


def _fetch(feed: Feed, *, force: bool = False) -> str:
    feeds.request(feed, force=force)
    return f"The {feed} is fetched as soon as a worker is free; what comes of it is shown here."
