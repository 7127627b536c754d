"""The Celery app."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recommender.settings")

app = Celery("kinship")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["workers"])
app.autodiscover_tasks(["workers"], related_name="upkeep")


@worker_process_init.connect
def _keep_what_was_imported(**_: Any) -> None:
    """A full garbage collection of it takes 65 ms, in which calls to providers leave late."""
    gc.collect()
    gc.freeze()
