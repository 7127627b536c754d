"""The service as `/readyz`, the dashboard, the gauges and `doctor` look at its parts."""

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from recommender import database
from recommender.models import Heartbeat
from recommender.models.provider import ALIVE_FOR
from recommender.stack import archive, broker
from recommender.stack.archive import Slot

# Who asks how things are does not wait long for a broker that hangs.
BROKER_SECONDS = 2


def broker_problem() -> str | None:
    """Why the broker does not answer; None where it does."""
    return broker.broker_problem(settings.CELERY_BROKER_URL, BROKER_SECONDS)


def latest_heartbeat() -> datetime | None:
    """When a worker was last heard of; None where none ever was."""
    return Heartbeat.objects.order_by("-at").values_list("at", flat=True).first()


def workers_alive() -> int:
    """How many workers were heard of lately."""
    return Heartbeat.objects.filter(at__gt=timezone.now() - ALIVE_FOR).count()


def archive_slot() -> Slot | None:
    """Where the archive of the database's log is; None where it has not begun."""
    return archive.newest_run(database.fetch(archive.SLOTS, [archive.PREFIX]))
