"""The state of the installation as gauges: what waits, what failed, what is spent.

One process is asked, and asks the database and the broker; no process counts these itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

import structlog
from cachetools import TTLCache, cached
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from kombu.exceptions import OperationalError
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from recommender import VERSION, database
from recommender.models import Catalog, Space
from recommender.monitoring import service
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
# Of more catalogs than that only what all of them have together is told.
_MOST_CATALOGS = 2_000

Metrics = Iterator[Metric]
Rows = Sequence[tuple[tuple[str, ...], tuple[float | None, ...]]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Gauges that are read at once: of each set of labels a value for each of them, or None."""

    labels: tuple[str, ...]
    read: Callable[[], Rows]
    gauges: Mapping[str, str]  # what each of them tells, by name


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
    for reading in READINGS if answers else ():
        try:
            yield from _families(reading)
        except (DatabaseError, OperationalError, OSError) as exc:
            log.warning("gauges cannot be read", gauges=[*reading.gauges], error=str(exc).strip())
            for name in reading.gauges:
                unread.add_metric((name,), 1.0)
    yield unread


def _families(reading: Reading) -> Iterator[Metric]:
    with transaction.atomic():
        database.execute(_LIMIT)
        rows = reading.read()
    for place, (name, text) in enumerate(reading.gauges.items()):
        family = GaugeMetricFamily(name, text, labels=reading.labels)
        for labels, values in rows:
            if (value := values[place]) is not None:
                family.add_metric(labels, value)
        yield family


def _database_answers() -> bool:
    try:
        database.fetch("SELECT 1")
    except DatabaseError as exc:
        log.warning("the database does not answer", error=str(exc).strip())
        return False
    return True


def _version() -> Rows:
    return [((VERSION,), (1.0,))]


def _catalogs() -> Rows:
    return [((), (Catalog.objects.count(),))]


def _workers() -> Rows:
    return [((), (service.workers_alive(),))]


def _lost_indexes() -> Rows:
    return [((), (len(index.lost()),))]


def _schedules() -> Rows:
    return [((task,), (age,)) for task, age in database.fetch(_SCHEDULES)]


def _waiting() -> Rows:
    """Messages of the queue that no worker has taken up."""
    queue = settings.CELERY_TASK_DEFAULT_QUEUE
    number = waiting_messages(settings.CELERY_BROKER_URL, queue, service.BROKER_SECONDS)
    return [((queue,), (number,))]


def _spaces() -> Sequence[Space]:
    embedded = living().exclude(kind=Space.Kind.BEHAVIOUR)
    return list(embedded.select_related("catalog")[:_MOST_CATALOGS])


@cached(TTLCache(1, _STALE_SECONDS), lock=Lock())
def stale() -> Rows:
    """Of each space how many products lack a fresh vector; counted once a minute."""
    return [
        ((str(space.catalog), str(space)), (float(staleness.count(space)),)) for space in _spaces()
    ]


def _paused() -> Rows:
    return [
        ((str(space.catalog), str(space)), (float(space.paused_reason != ""),))
        for space in _spaces()
    ]


def _trainings() -> Rows:
    rows = database.fetch(_TRAININGS, (_MOST_CATALOGS,))
    return [((name,), (age, failed)) for name, age, failed in rows]


def _quarantined() -> Rows:
    rows = database.fetch(_QUARANTINED, (_MOST_CATALOGS,))
    return [((catalog, space), (number,)) for catalog, space, number in rows]


def _feeds() -> Rows:
    return [((name,), (failed,)) for name, failed in database.fetch(_FEEDS, (_MOST_CATALOGS,))]


def _circuits() -> Rows:
    return [((circuit.provider,), (1.0,)) for circuit in open_circuits()]


def _money() -> Rows:
    budgets = ledger.budgets(ledger.today())
    return [((budget.catalog,), (float(budget.spent), float(budget.limit))) for budget in budgets]


def _archive() -> Rows:
    """Nothing where none is wanted."""
    if settings.STACK.wal_archive is None:
        return []
    run = service.archive_slot()
    return [((), (float(run is None or archive.lateness(run) is not None),))]


def _database() -> Rows:
    return [((), database.fetch(_DATABASE)[0])]


_CATALOG, _SPACE = ("catalog",), ("catalog", "space")

READINGS: Sequence[Reading] = (
    Reading(("version",), _version, {"kinship_info": "The version that answers."}),
    Reading((), _catalogs, {"kinship_catalogs": "Catalogs."}),
    Reading((), _workers, {"kinship_workers": "Workers that sent a heartbeat lately."}),
    Reading((), _lost_indexes, {"kinship_lost_indexes": "Spaces whose index is not valid."}),
    Reading(
        ("task",), _schedules, {"kinship_schedule_age_seconds": "Since beat last sent a task."}
    ),
    Reading(
        ("queue",), _waiting, {"kinship_waiting_tasks": "Messages that no worker has taken up."}
    ),
    Reading(_SPACE, stale, {"kinship_stale_products": "Products that lack a fresh vector."}),
    Reading(
        _SPACE, _paused, {"kinship_embedding_paused": "Whether embedding of a space is paused."}
    ),
    Reading(_SPACE, _quarantined, {"kinship_quarantined_products": "Products in quarantine."}),
    Reading(
        _CATALOG,
        _trainings,
        {
            "kinship_training_age_seconds": "Since a training was done.",
            "kinship_training_failed": "Whether the last training failed.",
        },
    ),
    Reading(_CATALOG, _feeds, {"kinship_feed_failed": "Whether the feed failed last time."}),
    Reading(("provider",), _circuits, {"kinship_provider_down": "Providers that are left alone."}),
    Reading(
        _CATALOG,
        _money,
        {
            "kinship_month_spend_dollars": "Of a budget, what is spent.",
            "kinship_month_budget_dollars": "A month's budget.",
        },
    ),
    Reading((), _archive, {"kinship_archive_late": "Whether the database's log waits."}),
    Reading(
        (),
        _database,
        {
            "kinship_database_bytes": "Size of the database.",
            "kinship_database_connections": "Connections to it.",
            "kinship_database_most_connections": "How many it takes.",
            "kinship_database_longest_transaction_seconds": (
                "How long the oldest transaction is open."
            ),
        },
    ),
)
