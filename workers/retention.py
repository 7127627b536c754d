"""Tasks that forget what was kept long enough."""

from celery import shared_task

from recommender.history import unmerge


@shared_task(name="workers.sweep_retention")
def sweep_retention() -> None:
    """Forget what merges hold to be undone, once they cannot be."""
    unmerge.forget_undoable()
