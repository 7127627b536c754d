"""What a person does with spaces: makes, compares, switches, goes back, retires."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from recommender.admin import base, confirmation, space_page
from recommender.admin.base import ReadOnlyAdmin, SensibleButtons, action
from recommender.admin.confirmation import Question
from recommender.catalog.catalogs import announce_space
from recommender.models import Space
from recommender.spaces import lifecycle, partitions, switching

# What makes sense for a space in each state.
_ACTIONS = {
    Space.Status.BUILDING: ("compare", "activate", "retire"),
    Space.Status.ACTIVE: ("compare", "roll_back"),
    Space.Status.STANDBY: ("compare", "activate", "retire"),
    Space.Status.RETIRED: (),
}


class SpaceActions(ReadOnlyAdmin[Space], SensibleButtons[Space]):
    """The buttons of a space's page, and the pages behind them."""

    actions_detail = ("compare", "activate", "roll_back", "retire")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As the person's permissions say."""
        return request.user.has_perm("recommender.add_space")

    def has_switch_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may change spaces may say which one serves."""
        return request.user.has_perm("recommender.change_space")

    def has_retire_permission(self, request: HttpRequest, object_id: Any = None) -> bool:  # noqa: ARG002 - Unfold gives it
        """Who may delete spaces may drop their vectors."""
        return request.user.has_perm("recommender.delete_space")

    def sensible(self, row: Space) -> set[str]:
        """The buttons of its state, without those that there is no other version for."""
        others = Space.objects.filter(catalog=row.catalog_id).exclude(pk=row.pk)
        names = set(_ACTIONS[Space.Status(row.status)])
        if not others.exclude(status=Space.Status.RETIRED).exists():
            names.discard("compare")
        if not others.filter(name=row.name, status=Space.Status.STANDBY).exists():
            names.discard("roll_back")
        return names

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """A version is made when its estimate was seen."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return space_page.create(request, base.page_context(self, request))

    @action(description="Compare", permissions=["view"], icon="compare_arrows")
    def compare(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that sets it beside another version."""
        space = self._space(request, object_id)
        if space is None:
            return self._gone()
        return space_page.compare(request, space, base.page_context(self, request))

    @action(description="Activate", permissions=["switch"], icon="play_circle")
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have this version serve, once confirmed."""
        return self._confirm(request, object_id, _activation, _activate)

    @action(description="Roll back", permissions=["switch"], icon="undo")
    def roll_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Have the version serve that did before this one, once confirmed."""
        return self._confirm(request, object_id, _rollback, _roll_back)

    @action(description="Retire", permissions=["retire"], icon="delete_forever")
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Drop this version's vectors, once confirmed."""
        return self._confirm(request, object_id, _retirement, _retire)

    def _confirm(
        self,
        request: HttpRequest,
        object_id: str,
        question: Callable[[Space], Question],
        act: Callable[[Space, bool], str],
    ) -> HttpResponse:
        space = self._space(request, object_id)
        if space is None:
            return self._gone()
        return confirmation.confirm(
            request,
            question(space),
            lambda box: act(space, box),
            space_page.address(space),
            base.page_context(self, request),
            [space],
        )

    def _space(self, request: HttpRequest, object_id: str) -> Space | None:
        """The space of an address; None, and the person is told, where there is none."""
        space = self.get_object(request, object_id)
        if space is None:
            messages.warning(request, f"There is no space {object_id!r}; was it deleted?")
        return space

    def _gone(self) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:recommender_space_changelist"))


def _activation(space: Space) -> Question:
    serving = lifecycle.active_space(space.catalog_id, space.name)
    kept = f" {serving} is kept: you can roll back to it." if serving else ""
    return Question(
        title=f"Activate {space}",
        text=f"From the next answer on, {space} serves the catalog {space.catalog}.{kept}",
        button="Activate",
        box="Even where products lack a vector or the index is not built.",
    )


def _activate(space: Space, force: bool) -> str:
    switching.activate(space, force=force)
    announce_space(space)
    return f"{space} serves now."


def _rollback(space: Space) -> Question:
    return Question(
        title=f"Roll back from {space}",
        text=f"The version of {space.name} that served before {space} serves again from the next "
        f"answer on. {space} is kept. What changed meanwhile is embedded then.",
        button="Roll back",
    )


def _roll_back(space: Space, _: bool) -> str:
    before = switching.rollback(space.catalog, space.name)
    announce_space(before)
    return f"{before} serves again."


def _retirement(space: Space) -> Question:
    return Question(
        title=f"Retire {space}",
        text=f"The vectors, profiles and index of {space} are dropped, which frees "
        f"{filesizeformat(partitions.size(space.pk))}. There is no way back.",
        button="Retire",
        is_final=True,
    )


def _retire(space: Space, _: bool) -> str:
    return f"Retired {space}: {filesizeformat(lifecycle.retire(space))} of disk freed."
