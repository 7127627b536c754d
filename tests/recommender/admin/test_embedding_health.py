from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from recommender.admin import embedding
from recommender.admin.embedding import Part
from recommender.models import Heartbeat
from workers import schedule

pytestmark = pytest.mark.django_db


def part(name: str) -> Part:
    return next(part for part in embedding.health_parts() if part.name == name)


def test_the_database_and_the_broker_work() -> None:
    assert part("Database").works
    assert "pgvector 0.8" in part("Database").detail
    assert part("Broker") == Part("Broker", True, "answers")


def test_a_broker_that_is_down_is_down(settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    broker = part("Broker")
    assert not broker.works
    assert broker.detail.startswith("does not answer")


def test_a_worker_lives_while_its_heart_beats() -> None:
    assert part("Workers") == Part("Workers", False, "0 alive, no heartbeat yet")
    now = timezone.now()
    Heartbeat.objects.create(worker="a", at=now - timedelta(seconds=10))
    Heartbeat.objects.create(worker="b", at=now - timedelta(hours=3))
    worker = part("Workers")
    assert worker.works
    assert worker.detail.startswith("1 alive, last heartbeat 1")
    Heartbeat.objects.filter(worker="a").delete()
    assert part("Workers").detail == "0 alive, last heartbeat 3\xa0hours ago"


def test_beat_works_while_it_sends_tasks() -> None:
    schedule.make()
    assert part("Beat") == Part("Beat", False, "no task sent yet")
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=4))
    assert part("Beat").works
    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=6))
    assert not part("Beat").works
