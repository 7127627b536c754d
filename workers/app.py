"""The Celery app."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")

app = Celery("kinship")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"])
app.autodiscover_tasks(["workers"], related_name="learning")
app.autodiscover_tasks(["workers"], related_name="feeds")
app.autodiscover_tasks(["workers"], related_name="insight")
app.autodiscover_tasks(["workers"], related_name="effect")
app.autodiscover_tasks(["workers"], related_name="retention")
app.autodiscover_tasks(["workers"], related_name="webhooks")
# Not tasks, but what counts them: loaded with them, by workers alone.
app.autodiscover_tasks(["workers"], related_name="metrics")
