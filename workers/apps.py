"""The workers as a Django app, so that migrating also makes their schedule."""

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models.signals import post_migrate


class WorkersConfig(AppConfig):
    """Tasks and their schedule."""

    name = "workers"

    def ready(self) -> None:
        """Make the periodic tasks after every migrate, and listen for changes to embed."""
        from workers import schedule, tracing, triggers  # noqa: PLC0415 - needs the app registry

        # Django sends it only for apps with models, and the schedule is rows of this one.
        post_migrate.connect(schedule.make, sender=apps.get_app_config("django_celery_beat"))
        triggers.connect()
        if settings.TRACES:
            tracing.connect()
