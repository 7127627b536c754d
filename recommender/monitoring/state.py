"""The state of the installation as gauges: what waits, what failed, what is spent.

One process is asked, and asks the database and the broker; no process counts these itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

import structlog
from cachetools import TTLCache, cached
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from recommender import VERSION, database
from recommender.models import Catalog, Heartbeat, Space
from recommender.models.provider import ALIVE_FOR
from recommender.providers import ledger
from recommender.providers.circuit import open_circuits
from recommender.spaces import index, staleness
from recommender.spaces.lifecycle import living
from recommender.stack import archive
from recommender.stack.broker import waiting_messages

log = structlog.get_logger()

_LIMIT = "SET LOCAL statement_timeout = 5000"
# To find that nothing is stale takes half a second of a million products.
_STALE_SECONDS = 60.0
_BROKER_SECONDS = 2
# Of more catalogs than that only what all of them have together is told.
_MOST_CATALOGS = 2_000

Metrics = Iterator[Metric]
Labelled = Sequence[tuple[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge, and what reads it: its values by their labels."""

    name: str
    text: str
    labels: tuple[str, ...]
    read: Callable[[], Labelled]


_SCHEDULES = """
SELECT task, EXTRACT(epoch FROM now() - COALESCE(last_run_at, date_changed))::float
FROM django_celery_beat_periodictask WHERE enabled
"""
# Of each catalog that has events: the latest training that is done, and whether the last failed.
_TRAININGS = """
SELECT c.name,
    EXTRACT(epoch FROM now() - (
        SELECT max(finished_at) FROM recommender_trainingrun r
        WHERE r.catalog_id = c.id AND r.status = 'done'))::float,
    (SELECT r.status = 'failed' FROM recommender_trainingrun r
     WHERE r.catalog_id = c.id AND r.finished_at IS NOT NULL
     ORDER BY r.created_at DESC LIMIT 1)::int::float
FROM recommender_catalog c ORDER BY c.id LIMIT %s
"""
_QUARANTINED = """
SELECT c.name, s.name, count(*)::float FROM recommender_quarantinedproduct q
JOIN recommender_space s ON s.id = q.space_id JOIN recommender_catalog c ON c.id = s.catalog_id
GROUP BY 1, 2 LIMIT %s
"""
_FEEDS = """
SELECT c.name, (f.status = 'failed')::int::float FROM recommender_feed f
JOIN recommender_catalog c ON c.id = f.catalog_id ORDER BY c.id LIMIT %s
"""
# Bytes, connections, and how many there may be.
_DATABASE = """
SELECT pg_database_size(current_database())::float,
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())::float,
    current_setting('max_connections')::float,
    COALESCE((SELECT max(EXTRACT(epoch FROM now() - xact_start)) FROM pg_stat_activity
        WHERE datname = current_database() AND state <> 'idle'), 0)::float
"""


def collect() -> Metrics:
    """Every gauge that could be read; of one that could not, that it could not.

    Where the database does not answer it is not asked for more: each would wait for it anew.
    """
    unread = GaugeMetricFamily(
        "kinship_unread_gauges", "Whether a gauge could not be read.", labels=("gauge",)
    )
    answers = _database_answers()
    yield GaugeMetricFamily("kinship_database_up", "Whether it answers.", value=float(answers))
    for gauge in GAUGES if answers else ():
        family = GaugeMetricFamily(gauge.name, gauge.text, labels=gauge.labels)
        try:
            with transaction.atomic():
                database.execute(_LIMIT)
                values = gauge.read()
        except (DatabaseError, OperationalError, OSError) as exc:
            log.warning("a gauge cannot be read", gauge=gauge.name, error=str(exc).strip())
            unread.add_metric((gauge.name,), 1.0)
            continue
        for labels, value in values:
            family.add_metric(labels, value)
        yield family
    yield unread


def _database_answers() -> bool:
    try:
        database.fetch("SELECT 1")
    except DatabaseError as exc:
        log.warning("the database does not answer", error=str(exc).strip())
        return False
    return True


def _version() -> Labelled:
    return [((VERSION,), 1.0)]


def _heartbeats() -> Labelled:
    return [((), float(Heartbeat.objects.filter(at__gt=timezone.now() - ALIVE_FOR).count()))]


def _schedules() -> Labelled:
    return [((task,), age) for task, age in database.fetch(_SCHEDULES)]


def _waiting() -> Labelled:
    """Messages of the queue that no worker has taken up."""
    queue = settings.CELERY_TASK_DEFAULT_QUEUE
    number = waiting_messages(settings.CELERY_BROKER_URL, queue, _BROKER_SECONDS)
    return [((queue,), float(number))]


@cached(TTLCache(1, _STALE_SECONDS), lock=Lock())
def stale() -> Labelled:
    """Of each space how many products lack a fresh vector; counted once a minute."""
    spaces = living().exclude(kind=Space.Kind.BEHAVIOUR).select_related("catalog")
    return [
        ((str(space.catalog), str(space)), float(staleness.count(space)))
        for space in spaces[:_MOST_CATALOGS]
    ]


def _paused() -> Labelled:
    spaces = living().exclude(kind=Space.Kind.BEHAVIOUR).select_related("catalog")
    return [
        ((str(space.catalog), str(space)), float(space.paused_reason != ""))
        for space in spaces[:_MOST_CATALOGS]
    ]


def _trained() -> Labelled:
    rows = database.fetch(_TRAININGS, (_MOST_CATALOGS,))
    return [((name,), age) for name, age, _ in rows if age is not None]


def _failed_trainings() -> Labelled:
    rows = database.fetch(_TRAININGS, (_MOST_CATALOGS,))
    return [((name,), failed) for name, _, failed in rows if failed is not None]


def _quarantined() -> Labelled:
    rows = database.fetch(_QUARANTINED, (_MOST_CATALOGS,))
    return [((catalog, space), number) for catalog, space, number in rows]


def _failed_feeds() -> Labelled:
    return [((name,), failed) for name, failed in database.fetch(_FEEDS, (_MOST_CATALOGS,))]


def _circuits() -> Labelled:
    return [((circuit.provider,), 1.0) for circuit in open_circuits()]


def _spent() -> Labelled:
    budgets = ledger.budgets(ledger.today())
    return [((budget.catalog,), float(budget.spent)) for budget in budgets]


def _budgets() -> Labelled:
    budgets = ledger.budgets(ledger.today())
    return [((budget.catalog,), float(budget.limit)) for budget in budgets]


def _lost_indexes() -> Labelled:
    return [((), float(len(index.lost())))]


def _archive() -> Labelled:
    """Nothing where none is wanted."""
    if settings.STACK.wal_archive is None:
        return []
    run = archive.newest_run(database.fetch(archive.SLOTS, [archive.PREFIX]))
    return [((), float(run is None or archive.lateness(run) is not None))]


def _catalogs() -> Labelled:
    return [((), float(Catalog.objects.count()))]


def _of_database(column: int) -> Callable[[], Labelled]:
    return lambda: [((), database.fetch(_DATABASE)[0][column])]


_CATALOG, _SPACE = ("catalog",), ("catalog", "space")

GAUGES: Sequence[Gauge] = (
    Gauge("kinship_info", "The version that answers.", ("version",), _version),
    Gauge("kinship_catalogs", "Catalogs.", (), _catalogs),
    Gauge("kinship_workers", "Workers that sent a heartbeat lately.", (), _heartbeats),
    Gauge("kinship_schedule_age_seconds", "Since beat last sent a task.", ("task",), _schedules),
    Gauge("kinship_waiting_tasks", "Messages that no worker has taken up.", ("queue",), _waiting),
    Gauge("kinship_stale_products", "Products that lack a fresh vector.", _SPACE, stale),
    Gauge("kinship_embedding_paused", "Whether embedding of a space is paused.", _SPACE, _paused),
    Gauge("kinship_quarantined_products", "Products in quarantine.", _SPACE, _quarantined),
    Gauge("kinship_training_age_seconds", "Since a training was done.", _CATALOG, _trained),
    Gauge(
        "kinship_training_failed",
        "Whether the last training failed.",
        _CATALOG,
        _failed_trainings,
    ),
    Gauge("kinship_feed_failed", "Whether the feed failed last time.", _CATALOG, _failed_feeds),
    Gauge("kinship_provider_down", "Providers that are left alone.", ("provider",), _circuits),
    Gauge("kinship_month_spend_dollars", "Of a budget, what is spent.", _CATALOG, _spent),
    Gauge("kinship_month_budget_dollars", "A month's budget.", _CATALOG, _budgets),
    Gauge("kinship_lost_indexes", "Spaces whose index is not valid.", (), _lost_indexes),
    Gauge("kinship_archive_late", "Whether the database's log waits.", (), _archive),
    Gauge("kinship_database_bytes", "Size of the database.", (), _of_database(0)),
    Gauge("kinship_database_connections", "Connections to it.", (), _of_database(1)),
    Gauge("kinship_database_most_connections", "How many it takes.", (), _of_database(2)),
    Gauge(
        "kinship_database_longest_transaction_seconds",
        "How long the oldest transaction is open.",
        (),
        _of_database(3),
    ),
)
