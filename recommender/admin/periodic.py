"""Periodic tasks: what beat starts, and how often. A change takes effect within seconds."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
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

# Clocked and solar schedules would only be noise here.
for _model in (PeriodicTask, IntervalSchedule, CrontabSchedule, ClockedSchedule, SolarSchedule):
    admin.site.unregister(_model)


class TaskSelect(UnfoldAdminSelectWidget, TaskSelectWidget):  # type: ignore[misc]  # untyped bases
    """The tasks that workers know, in Unfold's style."""


class PeriodicTaskForm(BeatTaskForm):  # type: ignore[misc]  # an untyped base
    """Beat's form, in Unfold's style."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["description"].widget = UnfoldAdminTextareaWidget(attrs={"rows": 2})
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(BeatTaskAdmin, ModelAdmin):  # type: ignore[misc]  # untyped bases
    """What runs by itself."""

    form = PeriodicTaskForm
    change_form_template = None
    date_hierarchy = None
    list_display = ("name", "enabled", "scheduler", "last_run_at", "description")
    list_filter = (("enabled", BooleanRadioFilter),)
    list_filter_submit = True
    fieldsets = (
        (None, {"fields": ("name", "description", "enabled")}),
        (
            "Schedule",
            {
                "description": "An interval or a crontab, not both; the menu beside it adds one.",
                "fields": (("interval", "crontab"), "last_run_at"),
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
    readonly_fields = ("last_run_at",)

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

    list_display = ("__str__", "every", "period")


@admin.register(CrontabSchedule)
class CrontabAdmin(ModelAdmin):  # type: ignore[misc]  # an untyped base
    """Crontabs to choose from."""

    list_display = ("human_readable", "minute", "hour", "day_of_week", "day_of_month")
    fields = (
        ("minute", "hour"),
        ("day_of_week", "day_of_month", "month_of_year"),
        "timezone",
    )
