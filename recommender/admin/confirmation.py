"""The page that asks whether something is meant, and the message of what came of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from recommender.admin.base import record
from recommender.spaces.partitions import SpaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person confirms: the button's word, and the box that may be ticked with it."""

    title: str
    text: str
    button: str
    is_final: bool = False
    box: str = ""


class ActionError(Exception):
    """An action cannot be done; the message says why, and what to do."""


def confirm(
    request: HttpRequest,
    question: Question,
    act: Callable[[bool], str],
    back: str,
    context: dict[str, Any],
    about: Iterable[Model] = (),
) -> HttpResponse:
    """Ask, and act when it is confirmed; what refuses says why.

    Args:
        act: called with whether the box was ticked; what it did, in words.
        back: the address to return to.
        about: the rows in whose history it is kept who did it.
    """
    if request.method != "POST":
        context |= {"title": question.title, "question": question, "back": back}
        return TemplateResponse(request, "recommender/admin/confirm.html", context)
    try:
        messages.success(request, act("box" in request.POST))
        record(request, about, f"{question.title}.")
    except (ActionError, SpaceError) as exc:
        messages.error(request, str(exc))
    return HttpResponseRedirect(back)
