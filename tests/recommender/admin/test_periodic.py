from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
from kombu import Connection, pools

from workers import schedule
from workers.app import app

from . import page

LIST = "admin:django_celery_beat_periodictask_changelist"


@pytest.fixture
def sweep(db: None) -> PeriodicTask:
    schedule.make()
    return PeriodicTask.objects.get(name="Re-embed sweep")


def change(task: PeriodicTask) -> str:
    return reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])


def form(task: PeriodicTask, **changed: object) -> dict[str, object]:
    """What the change page posts."""
    fields: dict[str, object] = {
        "name": task.name,
        "description": task.description,
        "enabled": "on",
        "interval": task.interval_id,
        "task": task.task,
        "args": task.args,
        "kwargs": task.kwargs,
        "expire_seconds": task.expire_seconds,
    }
    return fields | changed


def test_the_list_shows_every_task_and_its_schedule(
    admin_client: Client, sweep: PeriodicTask
) -> None:
    text = page.text(admin_client.get(reverse(LIST)))
    for periodic in schedule.PERIODIC:
        assert periodic.name in text
        if periodic.at_hour is None:
            assert f"{EVERY[periodic.every]} - {periodic.description}" in text
        else:
            assert f"daily at 0{periodic.at_hour}:00 UTC" in text


EVERY = {
    timedelta(seconds=15): "every 15 seconds",
    timedelta(minutes=1): "every minute",
    timedelta(minutes=5): "every 5 minutes",
    timedelta(minutes=10): "every 10 minutes",
    timedelta(hours=1): "every hour",
    timedelta(days=1): "every day",
}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"minute": "5", "hour": "2", "timezone": "Europe/Berlin"}, "daily at 02:05 Europe/Berlin"),
        ({"minute": "0", "hour": "14", "day_of_week": "1"}, "every Monday at 14:00 UTC"),
        ({"minute": "0", "hour": "3", "day_of_month": "1"}, "monthly on day 1 at 03:00 UTC"),
        ({"minute": "30", "hour": "*"}, "hourly at minute 30"),
        ({"minute": "*/15", "hour": "*"}, "Every 15 minutes"),
        ({"minute": "0", "hour": "1-5"}, "05:59, UTC"),
        (
            {"minute": "0", "hour": "3", "day_of_week": "1-5"},
            "At 03:00, Monday through Friday, UTC",
        ),
    ],
)
def test_a_crontab_reads_as_words(
    admin_client: Client, sweep: PeriodicTask, fields: dict[str, str], words: str
) -> None:
    CrontabSchedule.objects.create(**fields)
    crontabs = admin_client.get(reverse("admin:django_celery_beat_crontabschedule_changelist"))
    assert words in page.text(crontabs)
    # Where one is chosen it reads the same.
    assert words in page.text(admin_client.get(change(sweep)))


def test_the_form_offers_the_tasks_that_workers_know(
    admin_client: Client, sweep: PeriodicTask
) -> None:
    html = admin_client.get(change(sweep)).content.decode()
    for periodic in schedule.PERIODIC:
        assert f'<option value="{periodic.task}"' in html


def test_another_interval_is_saved_and_beat_is_told(
    admin_client: Client, sweep: PeriodicTask
) -> None:
    hourly = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    before = PeriodicTasks.last_change()
    response = admin_client.post(change(sweep), form(sweep, interval=hourly.pk), follow=True)
    assert "changed successfully" in page.text(response)
    sweep.refresh_from_db()
    assert sweep.interval == hourly
    assert sweep.task == "workers.sweep_embeddings"
    assert PeriodicTasks.last_change() > before
    schedule.make()
    sweep.refresh_from_db()
    assert sweep.interval == hourly


def test_a_crontab_takes_the_place_of_an_interval(
    admin_client: Client, sweep: PeriodicTask
) -> None:
    nightly = CrontabSchedule.objects.create(minute="30", hour="3")
    both = admin_client.post(change(sweep), form(sweep, crontab=nightly.pk))
    assert "Only one of" in page.text(both)
    admin_client.post(change(sweep), form(sweep, interval="", crontab=nightly.pk))
    sweep.refresh_from_db()
    assert (sweep.interval, sweep.crontab) == (None, nightly)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("args", "[" * 100_000, "This is not JSON"),
        ("kwargs", '{"a": NaN}', "This is not JSON"),
        ("args", "[%s]" % ("9" * 5_000), "This is not JSON"),
        ("task", "x" * 201, "at most 200 characters"),
        ("task", "a\0b", "Null characters are not allowed"),
        ("regtask", "a\0b", "Null characters are not allowed"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_is_no_task_is_explained(
    admin_client: Client, sweep: PeriodicTask, field: str, value: str, message: str
) -> None:
    response = admin_client.post(change(sweep), form(sweep) | {field: value})
    assert message in page.text(response)


def test_a_zone_that_is_none_is_explained(admin_client: Client) -> None:
    crontab = {"minute": "0", "hour": "2", "day_of_week": "*", "day_of_month": "*"}
    data = crontab | {"month_of_year": "*", "timezone": "x" * 5_000}
    add = reverse("admin:django_celery_beat_crontabschedule_add")
    response = admin_client.post(add, data | {"initial-timezone": "x" * 5_000})
    assert "Select a valid choice" in page.text(response)


def test_a_task_is_switched_off(admin_client: Client, sweep: PeriodicTask) -> None:
    data = {"action": "disable_tasks", "_selected_action": [sweep.pk]}
    admin_client.post(reverse(LIST), data)
    sweep.refresh_from_db()
    assert not sweep.enabled


def test_when_a_task_ran_last_has_the_form_of_all_times(
    admin_client: Client, sweep: PeriodicTask
) -> None:
    PeriodicTask.objects.filter(pk=sweep.pk).update(last_run_at=datetime(2026, 9, 1, 8, tzinfo=UTC))
    text = page.text(admin_client.get(reverse(LIST)))
    assert "Schedule Last run Description" in text
    assert "1 September 2026, 08:00 UTC" in text


def test_a_task_is_called_by_its_name_and_its_schedule_by_words(admin_client: Client) -> None:
    schedule.make()
    nightly = PeriodicTask.objects.get(name="Training")
    response = admin_client.get(change(nightly))
    text = page.text(response)
    assert "Periodic tasks chevron_right Training " in text
    assert "daily at 02:00 UTC" in text
    assert "(m/h/dM/MY/d)" not in text
    assert "null" not in text
    crontab = reverse("admin:django_celery_beat_crontabschedule_change", args=[nightly.crontab_id])
    assert "Crontabs chevron_right daily at 02:00 UTC" in page.text(admin_client.get(crontab))


def test_run_now_explains_a_broker_that_is_down(
    admin_client: Client, sweep: PeriodicTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = pools.producers[
        Connection("redis://127.0.0.1:1", transport_options={"max_retries": 0})
    ]
    monkeypatch.setattr(app.amqp, "_producer_pool", nowhere)
    data = {"action": "run_tasks", "_selected_action": [sweep.pk]}
    text = page.text(admin_client.post(reverse(LIST), data, follow=True))
    assert "the broker does not answer" in text


def test_intervals_and_crontabs_can_be_added(admin_client: Client) -> None:
    interval = reverse("admin:django_celery_beat_intervalschedule_add")
    admin_client.post(interval, {"every": "2", "period": "hours"})
    assert IntervalSchedule.objects.filter(every=2, period="hours").exists()
    crontab = reverse("admin:django_celery_beat_crontabschedule_add")
    assert "Add crontab" in admin_client.get(crontab).content.decode()


def test_clocked_and_solar_schedules_are_left_out() -> None:
    assert "django_celery_beat" in settings.INSTALLED_APPS
    for name in ("clockedschedule", "solarschedule"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:django_celery_beat_{name}_changelist")
