"""Celery: the app, thin tasks around plain functions, and their schedule."""

from workers.app import app as celery_app

__all__ = ["celery_app"]
