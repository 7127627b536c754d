"""When periodic tasks run: intervals and crontabs, each stored once."""

from celery.schedules import ParseException, crontab
from django_celery_beat.models import CrontabSchedule, IntervalSchedule

# As a crontab is written.
_FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


def interval(seconds: int) -> IntervalSchedule:
    """One of the intervals of this length: nothing keeps a person from adding another."""
    same = {"every": seconds, "period": IntervalSchedule.SECONDS}
    found = IntervalSchedule.objects.filter(**same).first()
    return found or IntervalSchedule.objects.create(**same)


def cron(expression: str, timezone: str = "UTC") -> CrontabSchedule:
    """One of the crontabs of these times.

    Raises:
        ValueError: the expression is none.
        ValidationError: the time zone is none.
    """
    parts = expression.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"{expression!r} is not minute, hour, day of month, month, day of week.")
    same = dict(zip(_FIELDS, parts, strict=True))
    try:
        crontab(**same)
    except (ParseException, ValueError) as exc:
        raise ValueError(f"{expression!r} is no crontab: {exc}.") from exc
    same["timezone"] = timezone
    found = CrontabSchedule.objects.filter(**same).first()
    if found is None:
        found = CrontabSchedule(**same)
        found.full_clean()
        found.save()
    return found


def expression(schedule: CrontabSchedule) -> str:
    """A crontab as it is written."""
    return " ".join(getattr(schedule, name) for name in _FIELDS)
