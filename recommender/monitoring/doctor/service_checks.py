"""What runs beside the database, what it works at, and how it is set."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.core import checks
from django.db.models import Count
from django.utils import timezone
from django.utils.timesince import timesince
from django_celery_beat.models import PeriodicTask

from recommender.models import (
    ApiKey,
    Catalog,
    Feed,
    QuarantinedProduct,
    Space,
    TrainingRun,
)
from recommender.models.provider import ALIVE_FOR
from recommender.monitoring import service
from recommender.monitoring.doctor.finding import Finding, error, warning
from recommender.providers import ledger
from recommender.providers.circuit import open_circuits
from recommender.spaces.lifecycle import living
from recommender.stack import archive
from recommender.stack.broker import eviction_policy
from recommender.stack.privileges import web_has_root

_LEAST_FREE_BYTES, _LEAST_FREE_SHARE = 5 << 30, 0.05
# A task that beat has not sent for so many of its periods.
_MISSED = 3
# Before its end a key is to be rotated.
_SOON = timedelta(days=7)
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}


def broker() -> Iterator[Finding]:
    """Whether it answers, and keeps what it is given."""
    if reason := service.broker_problem():
        yield error("broker", f"does not answer: {reason}", "start it, or set BROKER_URL right")
    elif (policy := _eviction_policy()) not in (None, "noeviction"):
        text = f"may drop tasks: its maxmemory-policy is {policy}"
        yield error("broker", text, "set maxmemory-policy noeviction")


def _eviction_policy() -> str | None:
    return eviction_policy(settings.CELERY_BROKER_URL, service.BROKER_SECONDS)


def workers() -> Iterator[Finding]:
    """Whether one takes tasks."""
    latest = service.latest_heartbeat()
    if latest is None:
        yield error("workers", "none has ever run", "./kinship up")
    elif timezone.now() - latest > ALIVE_FOR:
        text = f"no heartbeat for {timesince(latest)}"
        yield error("workers", text, "./kinship status; worker.log and beat.log say more")


def schedules() -> Iterator[Finding]:
    """Periodic tasks that are switched off, or that beat does not send."""
    now = timezone.now()
    for task in PeriodicTask.objects.select_related("interval").order_by("name"):
        if not task.enabled:
            mend = "enable it in the admin under Periodic tasks, unless that is meant"
            yield warning("schedules", f"{task.name} is switched off", mend)
            continue
        period = task.interval.schedule.run_every if task.interval else timedelta(days=1)
        since = task.last_run_at or task.date_changed
        if now - since > _MISSED * max(period, timedelta(minutes=2)):
            text = f"{task.name} was last sent {timesince(since, now)} ago"
            yield error("schedules", text, "./kinship status; beat.log says why beat stopped")


def disk() -> Iterator[Finding]:
    """Room where the data is."""
    usage = shutil.disk_usage(settings.STACK.data_dir)
    if usage.free < max(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * usage.total):
        text = f"{usage.free / 2**30:.1f} of {usage.total / 2**30:.0f} GB are free"
        yield warning("disk", text, "make room, or move KINSHIP_DATA_DIR to a larger disk")


def wal_archive() -> Iterator[Finding]:
    """The archive of the database's log, where one is wanted."""
    if settings.STACK.wal_archive is None:
        return
    run = service.archive_slot()
    late = archive.lateness(run) if run else "it has not begun"
    if late:
        yield error("archive", late, "./kinship status; archive.log says why")


def embedding() -> Iterator[Finding]:
    """Providers, paused spaces, quarantine and budgets."""
    for circuit in open_circuits():
        mend = "look at the provider's own status page; it is tried again by itself"
        yield warning("providers", f"{circuit.provider} is down: {circuit.reason}", mend)
    paused = living().exclude(kind=Space.Kind.BEHAVIOUR).exclude(paused_reason="")
    for space in paused.select_related("catalog"):
        text = f"{space} of {space.catalog} is paused: {space.paused_reason}"
        yield warning("embedding", text, "mend that; it goes on by itself")
    refused = QuarantinedProduct.objects.values("space__catalog__name").annotate(number=Count("*"))
    for row in refused.order_by("space__catalog__name"):
        text = f"{row['number']:,} products of {row['space__catalog__name']} are in quarantine"
        yield warning("quarantine", text, "Quarantine in the admin says why, product by product")
    for budget in ledger.budgets(ledger.today()):
        if budget.limit > 0 and budget.share >= ledger.NEARLY_SPENT:
            text = f"{budget.catalog} has spent {budget.share:.0%} of its budget of this month"
            mend = f"./kinship create_catalog {budget.catalog} --update --monthly-budget AMOUNT"
            yield warning("budget", text, mend)


def learning() -> Iterator[Finding]:
    """Catalogs whose last training failed, and feeds that do."""
    last = TrainingRun.objects.exclude(finished_at=None).order_by("catalog_id", "-created_at")
    for run in last.distinct("catalog_id").select_related("catalog"):
        if run.status == TrainingRun.Status.FAILED:
            text = f"the last training of {run.catalog} failed: {run.error}"
            yield warning("training", text, f"./kinship train --catalog {run.catalog} --wait")
    for feed in Feed.objects.filter(status=Feed.Status.FAILED).select_related("catalog"):
        text = f"the {feed} failed: {feed.error}"
        yield warning("feeds", text, "Feeds in the admin says more, and fetches it again")


def catalogs() -> Iterator[Finding]:
    """Whether there is anything to answer from."""
    if not Catalog.objects.exists():
        yield warning("catalogs", "there is none", "./kinship create_catalog NAME")


def keys() -> Iterator[Finding]:
    """Keys that end soon, and limits that no process counts for the others."""
    now = timezone.now()
    living = ApiKey.objects.filter(revoked_at=None)
    ending = living.filter(
        expires_at__gt=now, expires_at__lt=now + _SOON, last_used_at__gt=now - _SOON
    )
    for key in ending.select_related("catalog"):
        text = (
            f"{key.prefix}… of {key.catalog} is in use and ends {key.expires_at:%-d %B, %H:%M} UTC"
        )
        mend = f"./kinship create_api_key {key.catalog} --rotate {key.prefix}"
        yield warning("keys", text, mend)
    has_limits = living.exclude(
        requests_per_minute=None, address_per_minute=None, requests_per_day=None
    ).exists()
    if has_limits and settings.LIMITS_URL.startswith("memory"):
        text = "each web process counts the use of keys for itself: limits are higher than they say"
        yield warning("keys", text, "use Valkey or Redis as the broker")


def settings_of_production() -> Iterator[Finding]:
    """What is right on one's own machine and wrong where strangers reach it."""
    if settings.DEBUG:
        yield error("settings", "KINSHIP_DEBUG is on: errors show code and settings", "unset it")
    if "*" in settings.ALLOWED_HOSTS:
        yield error("settings", "KINSHIP_HOSTS allows every name", "name your own hosts")
    if web_has_root(settings.STACK):
        mend = "supervisor.log says what keeps it from having fewer"
        yield warning("settings", "the web runs with root's rights", mend)
    if set(settings.ALLOWED_HOSTS) <= _LOCAL:
        return
    if not settings.TLS_PROXY:
        mend = "put a proxy with TLS in front, and set KINSHIP_TLS=1"
        yield warning("settings", "it answers to public names without TLS", mend)
    if not settings.METRICS_TOKEN:
        mend = "set KINSHIP_METRICS_TOKEN and give it to Prometheus"
        yield warning("settings", "nobody elsewhere can read /metrics", mend)
    for message in checks.run_checks(include_deployment_checks=settings.TLS_PROXY):
        yield warning("settings", f"{message.id}: {message.msg}", str(message.hint or ""))


CHECKS = {
    "broker": broker,
    "workers": workers,
    "schedules": schedules,
    "disk": disk,
    "archive": wal_archive,
    "catalogs": catalogs,
    "embedding": embedding,
    "learning": learning,
    "keys": keys,
    "settings": settings_of_production,
}
