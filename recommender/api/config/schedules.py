"""When the installation's periodic tasks run, as the document has it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from recommender import durations, periodic
from recommender.api.config.change import Change, ConfigError, compared
from recommender.api.config.document import ScheduleIn

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_SECONDS = {
    IntervalSchedule.DAYS: 86_400,
    IntervalSchedule.HOURS: 3_600,
    IntervalSchedule.MINUTES: 60,
    IntervalSchedule.SECONDS: 1,
}


def read_schedules() -> dict[str, Any]:
    """By name of a task; those of clocks and of the sun, which nobody makes here, are not told."""
    tasks = PeriodicTask.objects.select_related("interval", "crontab").order_by("name")
    return {task.name: _told(task) for task in tasks if task.crontab or _seconds(task.interval)}


def bring_schedules(given: Mapping[str, ScheduleIn]) -> Iterator[Change]:
    """Have tasks that there are run at these times; none is made or removed.

    Raises:
        ConfigError: there is no such task, or its time is none.
    """
    tasks = PeriodicTask.objects.select_related("interval", "crontab").in_bulk(
        list(given), field_name="name"
    )
    for name, ask in given.items():
        task = tasks.get(name)
        if task is None:
            known = ", ".join(PeriodicTask.objects.values_list("name", flat=True))
            raise ConfigError.at((name,), f"There is no such periodic task; there are: {known}.")
        before = _told(task)
        try:
            _bring(task, ask)
        except ValidationError as exc:
            raise ConfigError.at((name,), " ".join(exc.messages)) from exc
        except ValueError as exc:
            raise ConfigError.at((name,), str(exc)) from exc
        if before != (after := _told(task)):
            task.save()
            yield from compared(f"schedule {name}", before, after)


def _bring(task: PeriodicTask, ask: ScheduleIn) -> None:
    if len({"every", "cron"} & ask.model_fields_set) != 1:
        raise ValueError("Give either `every` or `cron`.")
    task.enabled = ask.is_enabled
    if "cron" in ask.model_fields_set:
        task.interval, task.crontab = None, periodic.cron(ask.cron, ask.timezone)
        return
    seconds = durations.seconds(ask.every)
    if seconds != int(seconds):
        raise ValueError(f"{ask.every} are no whole seconds.")
    if _seconds(task.interval) != seconds:
        task.interval, task.crontab = periodic.interval(int(seconds)), None


def _seconds(interval: IntervalSchedule | None) -> int:
    """The length of an interval; 0 for none, or for one below a second."""
    return 0 if interval is None else interval.every * _SECONDS.get(interval.period, 0)


def _told(task: PeriodicTask) -> dict[str, Any]:
    if task.crontab:
        zone = str(task.crontab.timezone)
        when = {"cron": periodic.expression(task.crontab)}
        when |= {} if zone == "UTC" else {"timezone": zone}
    else:
        seconds = _seconds(task.interval)
        unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
        when = {"every": f"{seconds // size}{unit}"}
    return {**when, "is_enabled": task.enabled}
