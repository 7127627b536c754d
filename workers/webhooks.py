"""Tasks that send what webhooks are to be told, and forget it long after."""

from celery import shared_task

from recommender.webhooks import deliveries, sending

_SLICE_SECONDS = 5.0


@shared_task(name="workers.send_webhooks")
def send_webhooks() -> None:
    """Send what is due for a few seconds, then hand over; one process does so at a time."""
    if sending.send_due(_SLICE_SECONDS):
        send_webhooks.delay()


@shared_task(name="workers.purge_webhooks")
def purge_webhooks() -> None:
    """Forget deliveries of more than a month ago."""
    deliveries.purge()
