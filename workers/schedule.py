"""The periodic tasks that a new installation has. A person may change them in the admin."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django_celery_beat.models import PeriodicTask

from recommender.periodic import cron, interval


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task and how often it runs: every so often, or once a day at an hour (UTC)."""

    name: str
    task: str
    every: timedelta
    description: str
    at_hour: int | None = None


PERIODIC = (
    Periodic(
        "Re-embed sweep",
        "workers.sweep_embeddings",
        timedelta(minutes=1),
        "Embeds every product whose vector is missing or stale, whatever was lost before.",
    ),
    Periodic(
        "Word count",
        "workers.sweep_words",
        timedelta(minutes=1),
        "Counts the words that products are searched by, where products have changed.",
    ),
    Periodic(
        "Profile refresh",
        "workers.sweep_profiles",
        timedelta(minutes=5),
        "Rebuilds the profiles of users with new events, before they are asked for.",
    ),
    Periodic(
        "Popularity refresh",
        "workers.sweep_popularity",
        timedelta(minutes=10),
        "Counts anew what is popular in the last 30 days.",
    ),
    Periodic(
        "Shown answers",
        "workers.prune_answers",
        timedelta(minutes=5),
        "Forgets what lists have shown more than an hour ago; until then they can go on.",
    ),
    Periodic(
        "Embedding cache",
        "workers.prune_embedding_cache",
        timedelta(days=1),
        "Removes vectors of hosted models that nobody used for KINSHIP_CACHE_DAYS, and syncs that "
        "nobody went on with.",
    ),
    Periodic(
        "Feeds",
        "workers.sweep_feeds",
        timedelta(minutes=1),
        "Fetches the feeds of catalogs that are due by their schedules, and takes up uploads whose "
        "message was lost.",
    ),
    Periodic(
        "Training",
        "workers.sweep_training",
        timedelta(days=1),
        "Trains behaviour spaces, co-occurrence and the rank of catalogs with new events.",
        at_hour=2,
    ),
    Periodic(
        "Evaluation",
        "workers.sweep_evaluations",
        timedelta(days=1),
        "Replays the latest history of live catalogs and keeps how well they are recommended.",
        at_hour=4,
    ),
    Periodic(
        "Insight sweep",
        "workers.sweep_insight",
        timedelta(minutes=5),
        "Takes up insight runs whose message was lost, and forgets all but the latest of each.",
    ),
    Periodic(
        "Insight",
        "workers.renew_insight",
        timedelta(days=1),
        "Makes every insight anew that somebody has asked for before, with the same parameters.",
        at_hour=5,
    ),
    Periodic(
        "Effect",
        "workers.sweep_effect",
        timedelta(minutes=10),
        "Counts clicks, orders and revenue that lists brought: the last days, and older ones that "
        "got late events.",
    ),
    Periodic(
        "Experiments",
        "workers.watch_experiments",
        timedelta(hours=1),
        "Ends the experiments of which a variant is clearly worse by a metric that they guard.",
    ),
    Periodic(
        "Recommendation log",
        "workers.purge_recommendations",
        timedelta(days=1),
        "Forgets answers that are older than their catalogs keep them; figures stay.",
        at_hour=1,
    ),
    Periodic(
        "Retention",
        "workers.sweep_retention",
        timedelta(hours=1),
        "Forgets what merged users could be parted by, a day after they were merged.",
    ),
    Periodic(
        "Webhooks",
        "workers.send_webhooks",
        timedelta(minutes=1),
        "Sends what webhooks are told and was not received, or not sent, at first.",
    ),
    Periodic(
        "Webhook deliveries",
        "workers.purge_webhooks",
        timedelta(days=1),
        "Forgets what webhooks were told more than 30 days ago.",
        at_hour=3,
    ),
    Periodic(
        "Heartbeat",
        "workers.heartbeat",
        timedelta(seconds=15),
        "Shows that beat, broker, worker and database work together; /readyz reads it.",
    ),
)


def make(**_: object) -> None:
    """Add the periodic tasks that are missing; those there are stay as a person set them."""
    for one in PERIODIC:
        if PeriodicTask.objects.filter(Q(name=one.name) | Q(task=one.task)).exists():
            continue
        seconds = int(one.every.total_seconds())
        PeriodicTask.objects.create(
            name=one.name,
            task=one.task,
            interval=interval(seconds) if one.at_hour is None else None,
            crontab=None if one.at_hour is None else cron(f"0 {one.at_hour} * * *"),
            description=one.description,
            # Work that waited longer than two rounds is done by the next.
            expire_seconds=2 * seconds,
        )
