"""Webhooks: who is told of what, how that goes, and what was told."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from recommender.admin import base, confirmation, fragments
from recommender.admin.base import (
    BoundedListAdmin,
    DetailAdmin,
    ModelForm,
    ReadOnlyAdmin,
    RelatedDropdownFilter,
    action,
)
from recommender.admin.confirmation import Question
from recommender.admin.fragments import Table
from recommender.models import Webhook, WebhookDelivery
from recommender.webhooks import deliveries, outbox

_SHOWN = 20
_COLOURS = {
    "active": "success",
    "failing": "warning",
    "stopped": "danger",
    "inactive": "info",
    "waiting": "info",
    "delivered": "success",
    "failed": "danger",
}


class WebhookForm(ModelForm[Webhook]):
    """A webhook, its kinds of event as boxes."""

    kinds = forms.MultipleChoiceField(
        label="Kinds of event",
        choices=Webhook.Kind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Webhook
        fields = ("catalog", "name", "url", "kinds", "secret", "is_active")
        widgets: ClassVar = {"url": UnfoldAdminTextInputWidget}


@admin.register(Webhook)
class WebhookAdmin(BoundedListAdmin[Webhook], DetailAdmin[Webhook]):
    """The webhooks of all catalogs."""

    form = WebhookForm
    list_display = ("name", "catalog", "url", "told_of", "state")
    list_filter = (("catalog", RelatedDropdownFilter),)
    list_select_related = ("catalog",)
    sortable_by = ()
    search_fields = ("name__startswith", "url__icontains")
    search_help_text = "The beginning of a name, or a part of the address"
    actions_detail = ("send_test", "start_again")
    change_form_outer_after_template = "recommender/admin/webhook.html"

    def get_fields(self, request: HttpRequest, obj: Webhook | None = None) -> tuple[Any, ...]:
        """The secret for those alone who may change it."""
        secret = ("secret",) if obj is None or self.has_change_permission(request, obj) else ()
        state = ("state", "why_stopped") if obj is not None else ()
        return (("catalog", "name"), "url", "kinds", *secret, "is_active", *state)

    def get_readonly_fields(
        self,
        request: HttpRequest,  # noqa: ARG002
        obj: Webhook | None = None,
    ) -> tuple[str, ...]:
        """The catalog stays."""
        return ("state", "why_stopped") if obj is None else ("catalog", "state", "why_stopped")

    def has_send_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change webhooks may have them told something."""
        return request.user.has_perm("recommender.change_webhook")

    @admin.display(description="Told of")
    def told_of(self, webhook: Webhook) -> str:
        """The kinds of event."""
        return ", ".join(webhook.kinds)

    @admin.display(description="State")
    def state(self, webhook: Webhook) -> SafeString:
        """Whether it works."""
        word = deliveries.state(webhook)
        return fragments.badge(word.capitalize(), _COLOURS[word])

    @admin.display(description="Why")
    def why_stopped(self, webhook: Webhook) -> SafeString:
        """Why it was stopped, or when it is tried again."""
        if webhook.stopped_at is not None:
            note = f"since {fragments.time(webhook.stopped_at)}; start it again when it is mended"
            return fragments.prose(webhook.stop_reason, note)
        if webhook.failures and webhook.retry_at is not None:
            attempts = "1 attempt" if webhook.failures == 1 else f"{webhook.failures:,} attempts"
            return fragments.prose(
                f"{attempts} in a row failed; the next is not before "
                f"{fragments.time(webhook.retry_at)}."
            )
        return SafeString("-")

    def tell(self, row: Webhook) -> dict[str, Any]:
        """What it was told last."""
        found = WebhookDelivery.objects.filter(webhook=row).order_by("-pk")[:_SHOWN]
        rows = [
            [
                format_html(
                    '<a href="{}" class="text-link">{}</a>',
                    reverse("admin:recommender_webhookdelivery_change", args=[delivery.pk]),
                    delivery.kind,
                ),
                fragments.moment(delivery.created_at),
                _status(delivery),
                f"{delivery.attempts:,}",
                _last(delivery),
            ]
            for delivery in found
        ]
        headers = ["What", "When", "Status", "Attempts", "Last answer"]
        note = f"The last {_SHOWN} of 30 days. All: Webhook deliveries."
        return {"deliveries": Table(headers, rows, note if rows else "It was told nothing yet.")}

    def save_model(
        self, request: HttpRequest, obj: Webhook, form: ModelForm[Webhook], change: bool
    ) -> None:
        """Keep it; one that was changed is tried again."""
        super().save_model(request, obj, form, change)
        if change:
            deliveries.start_again(obj)

    @action(description="Send a test", permissions=["send"], icon="send")
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have it told that it works, once confirmed."""

        def act(webhook: Webhook) -> str:
            outbox.tell_test(webhook)
            return "A test is on its way: reload this page to see what comes of it."

        text = "A signed webhook.test is posted to its address."
        return self._ask(request, object_id, ("Send a test", text, "Send it"), act)

    @action(description="Start again", permissions=["send"], icon="restart_alt")
    def start_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have it tried again now, once confirmed."""

        def act(webhook: Webhook) -> str:
            deliveries.start_again(webhook)
            return f"{webhook} is tried again now, with what waits."

        text = "What waits is sent now. What happened while it was stopped was not kept."
        return self._ask(request, object_id, ("Start again", text, "Start it"), act)

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        words: tuple[str, str, str],
        act: Callable[[Webhook], str],
    ) -> HttpResponse:
        webhook = self.get_object(request, object_id)
        if webhook is None:
            return HttpResponseRedirect(reverse("admin:recommender_webhook_changelist"))

        def confirmed(_: bool) -> str:
            with transaction.atomic():
                return act(webhook)

        title, text, button = words
        return confirmation.confirm(
            request,
            Question(title=f"{title}: {webhook}?", text=text, button=button),
            confirmed,
            reverse("admin:recommender_webhook_change", args=[webhook.pk]),
            base.page_context(self, request),
            [webhook],
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(BoundedListAdmin[WebhookDelivery], ReadOnlyAdmin[WebhookDelivery]):
    """What webhooks were told in the last 30 days, and what became of it."""

    list_display = ("kind", "webhook", "catalog", "when", "state", "attempts", "answer")
    list_filter = (("webhook", RelatedDropdownFilter), ("status", ChoicesDropdownFilter))
    list_select_related = ("webhook__catalog",)
    sortable_by = ()
    actions = ("send_again",)
    fields = (
        ("kind", "webhook"),
        ("catalog", "when"),
        ("state", "attempts"),
        "next_at",
        "answer",
        "body",
    )
    readonly_fields = ("catalog", "when", "state", "answer")

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may change webhooks may have them told something."""
        return request.user.has_perm("recommender.change_webhook")

    @admin.display(description="Catalog")
    def catalog(self, delivery: WebhookDelivery) -> str:
        """The webhook's."""
        return str(delivery.webhook.catalog)

    @admin.display(description="When")
    def when(self, delivery: WebhookDelivery) -> SafeString:
        """When it happened."""
        return fragments.moment(delivery.created_at)

    @admin.display(description="Status")
    def state(self, delivery: WebhookDelivery) -> SafeString:
        """Waiting, delivered or given up."""
        return _status(delivery)

    @admin.display(description="Last answer")
    def answer(self, delivery: WebhookDelivery) -> SafeString:
        """What the receiver answered, and when."""
        return _last(delivery)

    @admin.action(description="Send again", permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        """Have the selected ones sent once more, with the ids that they have."""
        chosen = list(queryset.select_related("webhook"))
        with transaction.atomic():
            for delivery in chosen:
                deliveries.send_again(delivery)
        base.record(request, chosen, "Send again.")
        number = "1 delivery is" if len(chosen) == 1 else f"{len(chosen)} deliveries are"
        self.message_user(request, f"{number} sent again.", messages.SUCCESS)


def _status(delivery: WebhookDelivery) -> SafeString:
    return fragments.badge(delivery.get_status_display(), _COLOURS[delivery.status])


def _last(delivery: WebhookDelivery) -> SafeString:
    if delivery.last_at is None:
        return SafeString("-")
    note = fragments.time(delivery.last_at)
    if delivery.status == WebhookDelivery.Status.WAITING and delivery.next_at is not None:
        note = f"{note}; again at {fragments.time(delivery.next_at)}"
    told = f"{delivery.last_status or 'No answer:'} {delivery.last_answer}".strip()
    return fragments.prose(told, note)
