"""Whether the parts of the service work, for the dashboard."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils import timezone
from django.utils.timesince import timesince
from django_celery_beat.models import PeriodicTask

from recommender import database
from recommender.models import Heartbeat
from recommender.models.provider import ALIVE_FOR
from recommender.stack.external import broker_problem

_BROKER_SECONDS = 2
# Beat notes what it sent at least every three minutes.
_BEAT_AGE = timedelta(minutes=5)

_VERSIONS = """
SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the service: whether it works, what shows it, and the word for when it does not."""

    name: str
    works: bool
    detail: str
    trouble: str = "Down"


def parts() -> list[Part]:
    """Database, broker, workers and beat."""
    now = timezone.now()
    beats = Heartbeat.objects.filter(at__gt=now - ALIVE_FOR).count()
    seen = Heartbeat.objects.aggregate(latest=Max("at"))["latest"]
    sent = PeriodicTask.objects.aggregate(latest=Max("last_run_at"))["latest"]
    beat_works = beats > 0 or (sent is not None and now - sent < _BEAT_AGE)
    return [
        _database(),
        _broker(),
        Part("Workers", beats > 0, f"{beats} alive, {_ago('heartbeat', seen, now)}"),
        Part("Beat", beat_works, _ago("task sent", sent, now)),
    ]


def _database() -> Part:
    version, pgvector = database.fetch(_VERSIONS)[0]
    return Part("Database", True, f"PostgreSQL {version.split()[0]}, pgvector {pgvector}")


def _broker() -> Part:
    reason = broker_problem(settings.CELERY_BROKER_URL, _BROKER_SECONDS)
    return Part("Broker", reason is None, f"does not answer: {reason}" if reason else "answers")


def _ago(what: str, at: datetime | None, now: datetime) -> str:
    if at is None:
        return f"no {what} yet"
    seconds = max(0, int((now - at).total_seconds()))
    age = f"{seconds} s" if seconds < 120 else timesince(at, now)
    return f"last {what} {age} ago"
