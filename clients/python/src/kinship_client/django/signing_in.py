"""Who signs in keeps what they looked at as a visitor."""

import logging
from functools import partial
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from kinship_client import KinshipError
from kinship_client.django import service
from kinship_client.django.conf import configuration
from kinship_client.django.visitors import Visitor

log = logging.getLogger("kinship_client.django")

_LATE = 5  # seconds, by which all processes have sent the visitor's last events


@receiver(user_logged_in, dispatch_uid="kinship")
def merge(request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Have the visitor of a request become the user, after commit."""
    visitor = getattr(request, "kinship", None)
    if not isinstance(visitor, Visitor) or not configuration().url:
        return
    known = visitor.in_cookie or visitor.made
    if known is not None:
        visitor.is_forgotten = True
        transaction.on_commit(partial(_merge, configuration().id_of(user), known), robust=True)


def _merge(user: str, visitor: str) -> None:
    if configuration().celery:
        from kinship_client.django import tasks  # noqa: PLC0415 - it needs Celery

        tasks.merge_user.apply_async((user, visitor), countdown=_LATE)
        return
    try:
        # What was clicked just now is the visitor's, too.
        service.events().flush(configuration().timeout)
        service.at_once().merge_user(user, visitor)
    except KinshipError as exc:
        log.error("visitor %s was not merged into user %s: %s", visitor, user, exc)  # noqa: TRY400
