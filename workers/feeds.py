"""Tasks that keep catalogs in step with their feeds, and import what people upload."""

from celery import shared_task
from django.conf import settings

from recommender.catalog import feeds
from recommender.importing import feed, upload_import, uploads


@shared_task(name="workers.sweep_feeds")
def sweep_feeds() -> None:
    """Start the fetch of every feed that is due, and every upload whose message was lost."""
    for feed_id in feeds.due():
        fetch_feed.delay(feed_id)
    for upload_id in uploads.due():
        import_upload.delay(upload_id)
    uploads.prune()


@shared_task(name="workers.fetch_feed", time_limit=settings.LEARNING_SECONDS)
def fetch_feed(feed_id: int) -> None:
    """Fetch a feed that is due, and import it; whoever comes second finds nothing to do."""
    with feeds.claimed(feed_id) as claim:
        if claim is not None:
            feed.fetch(claim)


@shared_task(name="workers.import_upload", time_limit=settings.LEARNING_SECONDS)
def import_upload(upload_id: int) -> None:
    """Try or import an upload that waits; whoever comes second finds nothing to do."""
    with uploads.claimed(upload_id) as claim:
        if claim is not None:
            upload_import.carry_out(claim)
