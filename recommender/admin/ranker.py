"""Rankers: which one serves, how it was chosen, and going back to another."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from recommender.admin import confirmation, figures, fragments
from recommender.admin.base import ReadOnlyAdmin, action
from recommender.admin.confirmation import Question
from recommender.models import Ranker
from recommender.training import activation


@admin.register(Ranker)
class RankerAdmin(ReadOnlyAdmin[Ranker]):
    """The learnt ranks of all catalogues; of a catalogue and mode one is active."""

    list_display = ("label", "catalog", "mode", "state", "learnt_until", "judged")
    list_filter = (
        ("catalog", RelatedDropdownFilter),
        ("mode", ChoicesDropdownFilter),
    )
    list_filter_submit = True
    list_select_related = ("catalog",)
    sortable_by = ()
    actions_detail = ("activate",)
    fields = (
        ("label", "catalog"),
        ("mode", "state"),
        ("learnt_until", "created_at"),
        "judged",
    )

    def has_switch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change rankers may say which one serves."""
        return request.user.has_perm("recommender.change_ranker")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ranker]:
        """The rankers without their models, which may be megabytes."""
        return super().get_queryset(request).defer("model")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nothing for the one that serves."""
        ranker = self.get_object(request, str(object_id))
        if ranker is None or ranker.is_active:
            return []
        return super().get_actions_detail(request, object_id)  # type: ignore[misc,no-any-return]  # Unfold's

    @admin.display(description="Ranker")
    def label(self, ranker: Ranker) -> str:
        """Its kind and number."""
        return f"{ranker.kind} {ranker.pk}"

    @admin.display(description="Status")
    def state(self, ranker: Ranker) -> SafeString:
        """Whether it serves."""
        return fragments.badge("Active", "success") if ranker.is_active else SafeString("Kept")

    @admin.display(description="Learnt from events until")
    def learnt_until(self, ranker: Ranker) -> SafeString:
        """The catalogue's clock when it was trained."""
        return fragments.moment(ranker.trained_until)

    @admin.display(description="NDCG@20 in the replay that chose it")
    def judged(self, ranker: Ranker) -> SafeString:
        """How each kind of rank did; in brackets, where the mean lies with 95 % confidence."""
        return figures.table(ranker.figures)

    @action(description="Activate", permissions=["switch"], icon="play_circle")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have this ranker serve, once confirmed."""
        ranker = self.get_object(request, object_id)
        if ranker is None:
            messages.warning(request, f"There is no ranker {object_id!r}; was it deleted?")
            return HttpResponseRedirect(reverse("admin:recommender_ranker_changelist"))
        back = reverse("admin:recommender_ranker_change", args=[ranker.pk])
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return confirmation.confirm(
            request, _question(ranker), lambda _: _activate(ranker), back, context
        )


def _question(ranker: Ranker) -> Question:
    return Question(
        title=f"Activate {ranker.kind} {ranker.pk}",
        text=f"From the next answer on, it ranks the lists of {ranker.catalog} "
        f"({ranker.get_mode_display().lower()}). The one that does now is kept. The next training "
        "chooses anew.",
        button="Activate",
    )


def _activate(ranker: Ranker) -> str:
    activation.activate(ranker)
    return f"{ranker.kind} {ranker.pk} serves now."
