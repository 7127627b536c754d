"""What a person does for users who ask for their rights: export and erase."""

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from recommender.admin import base, confirmation
from recommender.admin.base import ReadOnlyAdmin, action
from recommender.admin.confirmation import Question
from recommender.history.erasure import erase_user
from recommender.models import User
from recommender.rights import export

_LIST = "admin:recommender_user_changelist"


class UserRights(ReadOnlyAdmin[User]):
    """The buttons of a user's page, and the pages behind them."""

    actions_detail = ("export", "erase")

    def has_export_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may see users may take what is held about one away."""
        return request.user.has_perm("recommender.view_user")

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may delete users."""
        return request.user.has_perm("recommender.delete_user")

    @action(description="Export", permissions=["export"], icon="download")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All that is held about the user, as a file."""
        user = self.get_object(request, object_id)
        if user is None:
            return self._gone(request)
        content = b"".join(export.document(user.catalog, user.external_id))
        name = quote(f"{user.external_id}.json", safe="")
        disposition = f"attachment; filename*=UTF-8''{name}"
        return HttpResponse(
            content,
            content_type="application/json",
            headers={"Content-Disposition": disposition},
        )

    @action(description="Erase", permissions=["erase"], icon="person_remove")
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Erase the user, once confirmed."""
        user = self.get_object(request, object_id)
        if user is None:
            return self._gone(request)
        context = base.page_context(self, request)
        # In the history of the catalog, and without a name: of the user nothing is to be left.
        about = [user.catalog]
        return confirmation.confirm(
            request, _question(user), lambda _: _erase(user), reverse(_LIST), context, about
        )

    def _gone(self, request: HttpRequest) -> HttpResponse:
        self.message_user(request, "There is no such user any more.", messages.WARNING)
        return HttpResponseRedirect(reverse(_LIST))


def _question(user: User) -> Question:
    return Question(
        title="Erase this user?",
        text=f"All that is held about {user} goes, for good: what they did, the lists that were "
        "made for them, their profiles. What was learnt from it goes at the next training.",
        button="Erase",
        is_final=True,
    )


def _erase(user: User) -> str:
    erase_user(user)
    return f"{user.external_id} is erased; the next training forgets what it learnt of them."
