"""Tasks that count what came of lists, and forget what they showed long ago."""

import structlog
from celery import shared_task

from recommender.effect import counting, readout
from recommender.engine import recommendation_log
from recommender.models import Catalog

log = structlog.get_logger()


@shared_task(name="workers.sweep_effect")
def sweep_effect() -> None:
    """Count what came of the lists of every catalog that lists."""
    for catalog_id in counting.due():
        count_effect.delay(catalog_id)


@shared_task(name="workers.count_effect")
def count_effect(catalog_id: int) -> None:
    """Count the last days of a catalog, and those that late events changed."""
    catalog = Catalog.objects.filter(pk=catalog_id).first()
    if catalog is not None:
        counting.recount(catalog)


@shared_task(name="workers.watch_experiments")
def watch_experiments() -> None:
    """End the experiments of which a variant harms what is guarded."""
    for experiment in readout.watch():
        log.warning("an experiment was ended", experiment=experiment.name)


@shared_task(name="workers.purge_recommendations")
def purge_recommendations() -> None:
    """Forget what the recommendation log has had for as long as its catalogs say."""
    recommendation_log.purge()
