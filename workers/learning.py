"""Tasks that learn from history, and that look how well that goes."""

from typing import Literal

import structlog
from celery import shared_task
from django.conf import settings

from recommender.insight import evaluations
from recommender.models import Catalog
from recommender.training import runs
from workers.progress import logged

log = structlog.get_logger()

_MODES: tuple[Literal["new", "all"], ...] = ("new", "all")


@shared_task(name="workers.train", time_limit=settings.LEARNING_SECONDS)
def train(catalog_id: int) -> None:
    """Carry out a catalog's training that waits.

    One whose worker died is not carried out again by the message that the broker gives back: what
    killed the worker would kill the next. The sweep asks for another.
    """
    # A second to load, which a worker and beat do not spend when they start.
    from recommender.training.run import train as train_run  # noqa: PLC0415

    with runs.claimed(catalog_id) as claim:
        if claim is not None:
            run = claim.run
            say = logged(catalog=catalog_id, training=run.pk)
            train_run(run.catalog, run, say, claim.check)


@shared_task(name="workers.sweep_training")
def sweep_training() -> None:
    """Have every catalog trained that has events since its last training."""
    for catalog in runs.due():
        runs.request(catalog)
    runs.prune()


@shared_task(name="workers.evaluate", time_limit=settings.LEARNING_SECONDS)
def evaluate(catalog_id: int) -> None:
    """Evaluate a catalog in both modes and keep what was found."""
    # As in `train`.
    from recommender.insight.evaluation import EvaluationError  # noqa: PLC0415
    from recommender.insight.evaluation import evaluate as evaluate_catalog  # noqa: PLC0415

    catalog = Catalog.objects.filter(pk=catalog_id).first()
    if catalog is None:
        return
    say = logged(catalog=catalog_id)
    for mode in _MODES:
        try:
            evaluation = evaluate_catalog(
                catalog, split=None, k=evaluations.K, mode=mode, progress=say
            )
        except EvaluationError as exc:
            log.info("not evaluated", catalog=catalog_id, mode=mode, reason=str(exc))
        else:
            evaluations.store(catalog, evaluation)


@shared_task(name="workers.sweep_evaluations")
def sweep_evaluations() -> None:
    """Start the evaluation of every catalog whose users did something lately."""
    for catalog in evaluations.live():
        evaluate.delay(catalog.pk)
    evaluations.prune()
