"""Is the process alive, and is everything it needs."""

from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from recommender import database
from recommender.api import codec
from recommender.models import Heartbeat
from recommender.models.heartbeat import ALIVE_FOR
from recommender.stack import broker, pgvector

_BROKER_SECONDS = 2

# Active spaces that were indexed once and have no valid index now.
_LOST_INDEXES = """
SELECT s.name || '@' || s.version || ' of ' || c.name FROM recommender_space s
JOIN recommender_catalog c ON c.id = s.catalog_id
LEFT JOIN pg_index i ON i.indexrelid = to_regclass('recommender_productvector_' || s.id || '_hnsw')
WHERE s.status = 'active' AND s.indexed_rows > 0 AND i.indisvalid IS NOT TRUE
"""


def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The process answers; it asks nothing of anybody else."""
    return codec.respond({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Database, broker, index and worker, each with what is wrong with it."""
    checks = {name: check() for name, check in _CHECKS.items()}
    ready = all(state == "ok" for state in checks.values())
    return codec.respond(
        {"status": "ok" if ready else "not ready", "checks": checks}, 200 if ready else 503
    )


def _database() -> str:
    try:
        version = database.fetch("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    except DatabaseError as exc:
        return f"does not answer: {exc}".strip()
    if not version:
        return "has no pgvector; run manage.py migrate"
    installed = version[0][0]
    return pgvector.pgvector_problem(installed, installed) or "ok"


def _broker() -> str:
    reason = broker.problem(settings.CELERY_BROKER_URL, _BROKER_SECONDS)
    return f"does not answer: {reason}" if reason else "ok"


def _index() -> str:
    try:
        lost = [row[0] for row in database.fetch(_LOST_INDEXES)]
    except DatabaseError:
        return "unknown: the database does not answer"
    return f"missing for {', '.join(lost)}; run manage.py embed" if lost else "ok"


def _worker() -> str:
    try:
        latest = Heartbeat.objects.order_by("-at").values_list("at", flat=True).first()
    except DatabaseError:
        return "unknown: the database does not answer"
    if latest is None:
        return "no worker has run yet"
    age = timezone.now() - latest
    if age > ALIVE_FOR:
        return f"last heartbeat {int(age.total_seconds())} s ago"
    return "ok"


_CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "broker": _broker,
    "index": _index,
    "worker": _worker,
}
