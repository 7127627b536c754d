"""Query parameters."""

from collections.abc import Collection

from django.http import HttpRequest

from recommender.api.problems import Problem


def check_known(request: HttpRequest, known: Collection[str]) -> None:
    """See that nothing that was asked for is silently ignored.

    Raises:
        Problem: 400 for a query parameter that is none of these.
    """
    for name in request.GET:
        if name not in known:
            names = ", ".join(known) or "none"
            raise Problem(400, "unknown-parameter", f"Unknown parameter {name!r}; known: {names}.")
