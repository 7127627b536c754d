from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from recommender import database
from recommender.catalog import catalogs
from recommender.models import ApiKey, Feed, Heartbeat, Space, TrainingRun
from recommender.monitoring.doctor import Finding, Level, examine
from tests.shop import Shop


@pytest.fixture
def well(stocked: Shop) -> Shop:
    """An installation with nothing to find."""
    Heartbeat.objects.create(worker="one", at=timezone.now())
    PeriodicTask.objects.update(last_run_at=timezone.now())
    return stocked


def found(check: str) -> list[Finding]:
    return [finding for finding in examine() if finding.check == check]


def only(check: str, level: Level) -> Finding:
    (finding,) = found(check)
    assert finding.level == level, finding
    assert finding.mend
    return finding


@override_settings(ALLOWED_HOSTS=["127.0.0.1"])
def test_where_nothing_is_wrong_nothing_is_found(well: Shop):
    findings = list(examine())
    # What the machine that tests has is not this test's: its disk, and a server set to be quick.
    of_machine = {"disk", "server settings"}
    assert [one for one in findings if one.level != Level.OK and one.check not in of_machine] == []
    assert len({one.check for one in findings}) >= 15


def test_a_server_that_may_lose_data_is_found(well: Shop):
    """The one that tests run on is set so."""
    assert "fsync is off" in [one.text for one in found("server settings")]


def test_a_lost_index_is_found(well: Shop):
    database.execute(f"DROP INDEX recommender_productvector_{well.space.pk}_hnsw")
    finding = only("indexes", Level.ERROR)
    assert f"{well.space} of {well.catalog}" in finding.text
    assert finding.mend.startswith("./kinship embed")


def test_no_worker_is_found(well: Shop):
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=10))
    assert only("workers", Level.ERROR).text == "no heartbeat for 10\xa0minutes"


def test_a_schedule_that_is_off_and_one_that_is_not_sent_are_found(well: Shop):
    PeriodicTask.objects.filter(name="Training").update(enabled=False)
    PeriodicTask.objects.filter(name="Heartbeat").update(
        last_run_at=timezone.now() - timedelta(hours=1)
    )
    texts = {one.text: one.level for one in found("schedules")}
    assert texts == {
        "Heartbeat was last sent 1\xa0hour ago": Level.ERROR,
        "Training is switched off": Level.WARNING,
    }


def test_what_embedding_waits_for_is_found(well: Shop):
    Space.objects.filter(pk=well.space.pk).update(paused_reason="The key is refused.")
    assert "The key is refused." in only("embedding", Level.WARNING).text


def test_failed_trainings_and_feeds_are_found(well: Shop):
    now = timezone.now()
    TrainingRun.objects.create(
        catalog=well.catalog, status="failed", finished_at=now, error="Out of memory."
    )
    Feed.objects.create(
        catalog=well.catalog, url="https://a.test", every_hours=1, status="failed", error="404"
    )
    training, feed = [one.text for one in found("training") + found("feeds")]
    assert "Out of memory." in training
    assert feed.endswith("404")


@override_settings(CELERY_BROKER_URL="redis://127.0.0.1:1/0")
def test_a_broker_that_is_away_is_found(well: Shop):
    assert only("broker", Level.ERROR).text.startswith("does not answer: ")


@override_settings(ALLOWED_HOSTS=["rec.example.org"], TLS_PROXY=False, METRICS_TOKEN="")
def test_what_is_unsafe_where_strangers_come_is_found(well: Shop):
    texts = [one.text for one in found("settings")]
    assert "it answers to public names without TLS" in texts
    assert "nobody elsewhere can read /metrics" in texts


@override_settings(DEBUG=True, ALLOWED_HOSTS=["*"], TLS_PROXY=True, METRICS_TOKEN="x")
def test_debugging_in_production_is_an_error(well: Shop):
    errors = [one.text for one in found("settings") if one.level == Level.ERROR]
    assert len(errors) == 2
    assert errors[0].startswith("KINSHIP_DEBUG is on")


def test_an_installation_without_catalogs_is_told_how_to_begin(db: None):
    assert only("catalogs", Level.WARNING).mend == "./kinship create_catalog NAME"


def test_a_check_that_the_database_refuses_is_a_finding(well: Shop):
    database.execute("ALTER TABLE recommender_feed RENAME TO recommender_feed_away")
    finding = only("learning", Level.ERROR)
    assert "cannot be checked" in finding.text


def test_a_key_in_use_that_ends_soon_is_found(well: Shop):
    now = timezone.now()
    plain = catalogs.create_key(well.catalog, "server", expires_at=now + timedelta(days=2))
    assert found("keys")[0].level == Level.OK
    ApiKey.objects.update(last_used_at=now)
    assert only("keys", Level.WARNING).mend.endswith(f"--rotate {plain[:12]}")


@override_settings(LIMITS_URL="memory://")
def test_limits_that_no_process_counts_for_the_others_are_found(well: Shop):
    catalogs.create_key(well.catalog, "server", requests_per_day=5)
    assert "counts the use of keys for itself" in only("keys", Level.WARNING).text
