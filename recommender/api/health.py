"""Is the process alive, and is everything it needs."""

from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from recommender import database
from recommender.api import codec
from recommender.models.provider import ALIVE_FOR
from recommender.monitoring import service
from recommender.providers.circuit import OpenCircuit, open_circuits
from recommender.spaces import index
from recommender.stack import archive
from recommender.stack.external import pgvector_problem

log = structlog.get_logger()


def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """The process answers; it asks nothing of anybody else."""
    return codec.respond({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Database, broker, index, worker, providers and archive, each with what is wrong with it.

    Anybody may ask: what names catalogs, hosts or paths is logged, and not answered.

    A provider of embeddings that is down is no reason to send requests elsewhere: new products
    wait for their vectors, and all else is answered. Nor is an archive that fails.
    """
    needed = {name: check() for name, check in _NEEDED.items()}
    checks = needed | {"providers": _providers()}
    if settings.STACK.wal_archive is not None:
        checks["archive"] = _archive()
    ready = _all_ok(needed)
    status = "not ready" if not ready else "ok" if _all_ok(checks) else "degraded"
    return codec.respond({"status": status, "checks": checks}, 200 if ready else 503)


def _all_ok(checks: dict[str, str]) -> bool:
    return all(state == "ok" for state in checks.values())


def _database() -> str:
    try:
        version = database.fetch("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    except DatabaseError as exc:
        log.warning("the database does not answer", error=str(exc).strip())
        return "does not answer"
    if not version:
        return "has no pgvector; run ./kinship migrate"
    installed = version[0][0]
    return pgvector_problem(installed, installed) or "ok"


def _broker() -> str:
    reason = service.broker_problem()
    if reason is None:
        return "ok"
    log.warning("the broker does not answer", error=reason)
    return "does not answer"


def _index() -> str:
    try:
        lost = index.lost()
    except DatabaseError:
        return "unknown: the database does not answer"
    if not lost:
        return "ok"
    log.warning("vector indexes are missing", spaces=lost)
    number = "a space" if len(lost) == 1 else f"{len(lost)} spaces"
    return f"missing for {number}; run ./kinship embed"


def _worker() -> str:
    try:
        latest = service.latest_heartbeat()
    except DatabaseError:
        return "unknown: the database does not answer"
    if latest is None:
        return "no worker has run yet"
    age = timezone.now() - latest
    if age > ALIVE_FOR:
        return f"last heartbeat {int(age.total_seconds())} s ago"
    return "ok"


def _providers() -> str:
    try:
        circuits = open_circuits()
    except DatabaseError:
        return "unknown: the database does not answer"
    return "; ".join(map(_described, circuits)) or "ok"


def _archive() -> str:
    try:
        run = service.archive_slot()
    except DatabaseError:
        return "unknown: the database does not answer"
    if run is None:
        return "has not begun; run ./kinship up"
    late = archive.lateness(run)
    return f"{late}; ./kinship status says more" if late else "ok"


def _described(circuit: OpenCircuit) -> str:
    following = f"in {circuit.seconds:.0f} s" if circuit.seconds else "with the next call"
    return (
        f"{circuit.provider}: open since {circuit.opened_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"next try {following} (the admin says why)"
    )


_NEEDED: dict[str, Callable[[], str]] = {
    "database": _database,
    "broker": _broker,
    "index": _index,
    "worker": _worker,
}
