"""Tasks that find out about catalogs."""

import structlog
from celery import shared_task
from django.conf import settings

from recommender.insight import runs
from recommender.insight.kind import InsightError
from recommender.insight.kinds import KINDS
from recommender.insight.run import carry_out
from workers.progress import logged

log = structlog.get_logger()


@shared_task(name="workers.insight", time_limit=settings.LEARNING_SECONDS)
def insight(run_id: int) -> None:
    """Carry out a run that waits; whoever comes second finds nothing to do."""
    with runs.claimed(run_id) as claim:
        if claim is not None:
            carry_out(claim, logged(insight=run_id, kind=claim.run.kind))


@shared_task(name="workers.sweep_insight")
def sweep_insight() -> None:
    """Take up runs whose message was lost, and forget all but the latest of each kind."""
    for run_id in runs.waiting():
        insight.delay(run_id)
    runs.prune()


@shared_task(name="workers.renew_insight")
def renew_insight() -> None:
    """Make anew, with the same parameters, what somebody has had found out before."""
    for run in runs.renewable():
        kind = KINDS[run.kind]
        try:
            runs.request(run.catalog, kind, kind.read(run.parameters))
        except (runs.AlreadyRunningError, InsightError, ValueError) as exc:
            log.info("insight not renewed", run=run.pk, reason=str(exc))
