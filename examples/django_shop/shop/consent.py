"""Whether a visitor lets the shop know them again; a real shop asks its banner."""

from django.http import HttpRequest


def is_given(request: HttpRequest) -> bool:
    """Unless they said no."""
    return request.COOKIES.get("consent") != "no"
