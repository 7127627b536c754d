"""Celery's tasks: each may run twice, and reads anew what it sends."""

from typing import Any

from celery import Task, shared_task

from kinship_client import KinshipError
from kinship_client.django import sending, service

_TIMES, _FIRST, _LONGEST = 12, 5, 600  # tries; seconds between them


@shared_task(bind=True, max_retries=_TIMES, ignore_result=True)
def send_products(self: Task[Any, None], label: str, rows: list[Any], using: str) -> None:
    """Send rows of a model; `rows` are pairs of a primary key and a product's id."""
    try:
        sending.deliver(service.background(), label, [(pk, one) for pk, one in rows], using)
    except KinshipError as exc:
        _again(self, exc)


@shared_task(bind=True, max_retries=_TIMES, ignore_result=True)
def merge_user(self: Task[Any, None], user: str, visitor: str) -> None:
    """Give a user all that a visitor did."""
    try:
        service.background().merge_user(user, visitor)
    except KinshipError as exc:
        _again(self, exc)


def _again(task: Task[Any, None], error: KinshipError) -> None:
    if not error.is_passing:
        raise error
    raise task.retry(exc=error, countdown=min(_LONGEST, _FIRST * 2**task.request.retries))
