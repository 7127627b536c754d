"""Traces through the broker: who sends a task says what it was at, and the task goes on with it."""

from contextlib import ExitStack
from importlib import import_module
from typing import Any

import structlog
from celery.signals import (
    before_task_publish,
    task_postrun,
    task_prerun,
    worker_process_init,
    worker_process_shutdown,
)

from recommender import spans

# What to leave, and the span to end, of the tasks that this process is at.
_running: dict[str, tuple[ExitStack, spans.Root]] = {}


def connect() -> None:
    """Have the tasks that this process sends, and those that it runs, told."""
    before_task_publish.connect(_say_sender, dispatch_uid="trace: say sender")
    worker_process_init.connect(_start, dispatch_uid="trace: start")
    worker_process_shutdown.connect(_close, dispatch_uid="trace: close")
    task_prerun.connect(_begin, dispatch_uid="trace: begin")
    task_postrun.connect(_end, dispatch_uid="trace: end")


def _say_sender(headers: dict[str, Any], **_: Any) -> None:
    headers.update(spans.told.headers())


def _start(**_: Any) -> None:
    # After the fork: what sends spans is a thread.
    import_module("recommender.telemetry").start("worker")


def _close(**_: Any) -> None:
    # Such a process ends without what `atexit` has.
    spans.told.close()


def _begin(task_id: str, task: Any, **_: Any) -> None:
    sent = {name: str(value) for name, value in (task.request.headers or {}).items()}
    attributes = {"messaging.system": "celery", "messaging.message.id": task_id}
    span = spans.told.task(task.name, sent, attributes)
    stack = ExitStack()
    stack.enter_context(structlog.contextvars.bound_contextvars(**span.ids))
    stack.enter_context(span.current())
    _running[task_id] = stack, span


def _end(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    """The end of a task; Celery names no state where the worker itself failed."""
    if task_id in _running:
        stack, span = _running.pop(task_id)
        stack.close()
        told = (state or "lost").lower()
        span.end(task.name, {"celery.state": told}, is_failed=told not in ("success", "retry"))
