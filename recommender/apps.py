"""Kinship as a Django app."""

from django.apps import AppConfig
from django.core import checks
from django.core.signals import request_started
from django.db.models.signals import post_migrate


class RecommenderConfig(AppConfig):
    """Tables, engine, API and admin."""

    name = "recommender"
    label = "recommender"
    verbose_name = "Recommendations"

    def ready(self) -> None:
        """Begin every request with a connection that is alive, or none; check; make groups."""
        from recommender import database  # noqa: PLC0415 - needs the settings
        from recommender.catalog.operators import make_groups  # noqa: PLC0415 - has models
        from recommender.providers.models import check_models  # noqa: PLC0415 - needs the settings

        checks.register(check_models)
        # After Django has made the permissions, whose app is ready before this one.
        post_migrate.connect(make_groups, sender=self, dispatch_uid="groups of operators")
        request_started.connect(database.close_if_hung_up, dispatch_uid="close if hung up")
