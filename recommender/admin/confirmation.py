"""The page on which a person confirms what a button is about to do."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from recommender.spaces.partitions import SpaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person confirms: the button's word, and the box that may be ticked with it."""

    title: str
    text: str
    button: str
    is_final: bool = False
    box: str = ""


def confirm(
    request: HttpRequest,
    question: Question,
    act: Callable[[bool], str],
    back: str,
    context: dict[str, Any],
) -> HttpResponse:
    """Ask, and act when it is confirmed; what refuses says why.

    Args:
        act: called with whether the box was ticked; what it did, in words.
        back: the address to return to.
    """
    if request.method != "POST":
        context |= {"title": question.title, "question": question, "back": back}
        return TemplateResponse(request, "recommender/admin/confirm.html", context)
    try:
        messages.success(request, act("box" in request.POST))
    except SpaceError as exc:
        messages.error(request, str(exc))
    return HttpResponseRedirect(back)
