"""Tasks that keep the tables small."""

from celery import shared_task

from recommender.providers import cache


@shared_task(name="workers.prune_embedding_cache")
def prune_embedding_cache() -> None:
    """Remove vectors of hosted models that nobody used for long."""
    cache.prune()
