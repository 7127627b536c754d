"""Tasks: how many of each ended how, and how long they took."""

import time
from typing import Any

from celery.signals import task_postrun, task_prerun
from prometheus_client import Counter, Histogram

_BUCKETS = (0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21600)

_tasks = Counter("kinship_tasks", "Tasks that workers ended, by how.", ("task", "state"))
_seconds = Histogram(
    "kinship_task_seconds", "Seconds that a task took.", ("task",), buckets=_BUCKETS
)
# A process of a worker runs one task at a time.
_began: dict[str, float] = {}


@task_prerun.connect
def _begin(task_id: str, **_: Any) -> None:
    _began[task_id] = time.perf_counter()


@task_postrun.connect
def _end(task_id: str, task: Any, state: str | None, **_: Any) -> None:
    """Count a task; Celery names no state where the worker itself failed."""
    began = _began.pop(task_id, None)
    _tasks.labels(task.name, (state or "lost").lower()).inc()
    if began is not None:
        _seconds.labels(task.name).observe(time.perf_counter() - began)
