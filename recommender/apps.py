"""Kinship as a Django app."""

from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    """Tables, engine, API and admin."""

    name = "recommender"
    label = "recommender"
    verbose_name = "Recommendations"
