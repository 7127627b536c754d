"""Periodic tasks: what beat starts, and how often. A change takes effect within seconds."""

from typing import Any

import cron_descriptor
from django.contrib import admin, messages
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm as BeatTaskForm
from django_celery_beat.admin import TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from kombu.exceptions import OperationalError as BrokerError
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from recommender.admin import fragments
from recommender.admin.base import JsonField

# Clocked and solar schedules would only be noise here.
for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(_model)

_interval_in_figures, _crontab_in_signs = IntervalSchedule.__str__, CrontabSchedule.__str__

_DAY_OF_24_HOURS = cron_descriptor.Options()
_DAY_OF_24_HOURS.use_24hour_time_format = True
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def every(interval: IntervalSchedule) -> str:
    """An interval in words: "every 5 minutes", "every day"."""
    if interval.period not in _SECONDS:
        return str(_interval_in_figures(interval))
    seconds = interval.every * _SECONDS[interval.period]
    unit, size = next((unit, size) for unit, size in _UNITS if seconds % size == 0)
    number = seconds // size
    return f"every {unit}" if number == 1 else f"every {number:,} {unit}s"


def times(crontab: CrontabSchedule) -> str:
    """A crontab in words: "daily at 02:00 UTC"; one that has no short ones as it is."""
    hour, minute = crontab.hour, crontab.minute
    days = _days(crontab)
    if not minute.isdecimal() or days is None:
        return _described(crontab)
    if hour == "*" and days == "daily":
        return f"hourly at minute {int(minute)}"
    if not hour.isdecimal():
        return _described(crontab)
    return f"{days} at {int(hour):02}:{int(minute):02} {crontab.timezone}"


def _described(crontab: CrontabSchedule) -> str:
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    expression = " ".join(getattr(crontab, name) for name in fields)
    try:
        words = cron_descriptor.get_description(expression, _DAY_OF_24_HOURS)
    except cron_descriptor.FormatError:
        return str(_crontab_in_signs(crontab))  # celery knows forms that cron does not
    return f"{words}, {crontab.timezone}"


def _days(crontab: CrontabSchedule) -> str | None:
    """On which days, in words; None where it takes more than a word or two."""
    of_week, of_month = crontab.day_of_week, crontab.day_of_month
    if crontab.month_of_year != "*":
        return None
    if (of_week, of_month) == ("*", "*"):
        return "daily"
    if of_month == "*" and of_week in set("01234567"):
        return f"every {_DAYS[int(of_week)]}"
    if of_week == "*" and of_month.isdecimal():
        return f"monthly on day {int(of_month)}"
    return None


# What titles, lists and messages call them by.
PeriodicTask.add_to_class("__str__", lambda task: task.name)
IntervalSchedule.add_to_class("__str__", every)
CrontabSchedule.add_to_class("__str__", times)


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):  # type: ignore[misc]  # untyped bases
    """The tasks that workers know, in Unfold's style."""


_HELP = {
    "name": "",
    "description": "",
    "enabled": "Off: it does not run by itself.",
    "interval": "",
    "crontab": "",
}


class PeriodicTaskForm(BeatTaskForm):  # type: ignore[misc]  # an untyped base
    """Beat's form, in Unfold's style."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["description"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()
        self.fields["interval"].label_from_instance = every
        self.fields["crontab"].label_from_instance = times
        for name, text in _HELP.items():
            self.fields[name].help_text = text

    def clean(self) -> Any:
        """Beat's own checks, which need the task's name to be one."""
        return self.cleaned_data if "task" in self.errors else super().clean()

    def clean_regtask(self) -> str:
        """A name without U+0000, which beat's field lets through."""
        name: str = self.cleaned_data["regtask"]
        ProhibitNullCharactersValidator()(name)
        return name

    def _clean_json(self, field: str) -> str:
        """Beat calls it; its own reader fails at deep nesting."""
        written: str = self.cleaned_data[field]
        JsonField(required=False).clean(written)
        return written


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatTaskAdmin, ModelAdmin):  # type: ignore[misc]  # untyped bases
    """What runs by itself."""

    form = PeriodicTaskForm
    change_form_template = None
    date_hierarchy = None
    list_display = ("name", "enabled", "runs", "last_run", "description")
    list_filter = (("enabled", BooleanRadioFilter),)
    list_select_related = ("interval", "crontab")
    list_filter_submit = True
    fieldsets = (
        (None, {"fields": ("name", "description", "enabled")}),
        (
            "Schedule",
            {
                "description": "An interval or a crontab, not both; the menu beside it adds one.",
                "fields": (("interval", "crontab"), "last_run"),
            },
        ),
        ("Task", {"fields": (("regtask", "task"), ("args", "kwargs")), "classes": ("collapse",)}),
        (
            "Execution",
            {
                "fields": (("start_time", "expires"), ("expire_seconds", "queue"), "one_off"),
                "classes": ("collapse",),
            },
        ),
    )
    readonly_fields = ("last_run",)

    @admin.display(description="Schedule")
    def runs(self, task: PeriodicTask) -> str:
        """When it runs, in words."""
        if task.interval:
            return every(task.interval)
        return times(task.crontab) if task.crontab else str(task.scheduler)

    @admin.display(description="Last run", ordering="last_run_at")
    def last_run(self, task: PeriodicTask) -> SafeString:
        """When it was sent to the workers last."""
        return fragments.moment(task.last_run_at)

    def run_tasks(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Send the tasks to the workers now."""
        try:
            super().run_tasks(request, queryset)
        except BrokerError as exc:
            text = f"Nothing was started, the broker does not answer: {exc}. Check that it runs."
            self.message_user(request, text, messages.ERROR)

    run_tasks.short_description = "Run now"  # type: ignore[attr-defined]  # as Django reads it


@admin.register(IntervalSchedule)
class IntervalAdmin(ModelAdmin):  # type: ignore[misc]  # an untyped base
    """Intervals to choose from."""

    list_display = ("worded", "every", "period")

    @admin.display(description="Interval")
    def worded(self, interval: IntervalSchedule) -> str:
        """In words."""
        return every(interval)


@admin.register(CrontabSchedule)
class CrontabAdmin(ModelAdmin):  # type: ignore[misc]  # an untyped base
    """Crontabs to choose from."""

    list_display = ("worded", "minute", "hour", "day_of_week", "day_of_month")
    fields = (
        ("minute", "hour"),
        ("day_of_week", "day_of_month", "month_of_year"),
        "timezone",
    )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without what was there before as a hidden field: as a zone's name it is not checked."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None:
            field.show_hidden_initial = False
        return field

    @admin.display(description="Crontab")
    def worded(self, crontab: CrontabSchedule) -> str:
        """In words."""
        return times(crontab)
