from datetime import timedelta

import pytest
from django.core.management import call_command
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from workers import celery_app, schedule

pytestmark = pytest.mark.django_db


def test_a_migrated_database_has_every_periodic_task_and_each_is_one_there_is() -> None:
    celery_app.loader.import_default_modules()  # as a worker does when it starts
    made = {row.name: row for row in PeriodicTask.objects.filter(task__startswith="workers.")}

    assert set(made) == {periodic.name for periodic in schedule.PERIODIC}
    for periodic in schedule.PERIODIC:
        row = made[periodic.name]
        assert row.enabled
        assert row.task in celery_app.tasks
        if periodic.at_hour is None:
            assert row.schedule.run_every == periodic.every
        else:
            assert (row.crontab.minute, row.crontab.hour) == ("0", str(periodic.at_hour))
            assert str(row.crontab.timezone) == "UTC"


def test_what_a_person_changed_stays() -> None:
    row = PeriodicTask.objects.get(task="workers.sweep_popularity")
    row.interval = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    row.enabled = False
    row.name = "Best sellers"
    row.save()

    schedule.make()

    (kept,) = PeriodicTask.objects.filter(task="workers.sweep_popularity")
    assert (kept.name, kept.enabled) == ("Best sellers", False)
    assert kept.schedule.run_every == timedelta(hours=1)


def test_what_is_missing_is_added_by_the_next_migration() -> None:
    PeriodicTask.objects.filter(task="workers.heartbeat").delete()

    call_command("migrate", verbosity=0)

    assert PeriodicTask.objects.filter(task="workers.heartbeat").count() == 1
    assert PeriodicTask.objects.filter(task__startswith="workers.").count() == len(
        schedule.PERIODIC
    )


def test_schedules_that_are_there_twice_are_no_hindrance() -> None:
    PeriodicTask.objects.filter(task__startswith="workers.").delete()
    for _ in range(2):
        IntervalSchedule.objects.create(every=60, period=IntervalSchedule.SECONDS)
        CrontabSchedule.objects.create(minute="0", hour="2", timezone="UTC")

    schedule.make()

    assert PeriodicTask.objects.filter(task__startswith="workers.").count() == len(
        schedule.PERIODIC
    )


def test_a_task_that_waited_longer_than_two_rounds_is_left_to_the_next() -> None:
    every = {periodic.task: periodic.every.total_seconds() for periodic in schedule.PERIODIC}
    rows = PeriodicTask.objects.filter(task__startswith="workers.")
    assert {row.task: row.expire_seconds / 2 for row in rows} == every
