"""Tasks that keep catalogs in step with their feeds."""

from celery import shared_task
from django.conf import settings

from recommender.catalog import feeds
from recommender.importing import feed


@shared_task(name="workers.sweep_feeds")
def sweep_feeds() -> None:
    """Start the fetch of every feed that is due."""
    for feed_id in feeds.due():
        fetch_feed.delay(feed_id)


@shared_task(name="workers.fetch_feed", time_limit=settings.LEARNING_SECONDS)
def fetch_feed(feed_id: int) -> None:
    """Fetch a feed that is due, and import it; whoever comes second finds nothing to do."""
    with feeds.claimed(feed_id) as claim:
        if claim is not None:
            feed.fetch(claim)
