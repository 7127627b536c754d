"""Proof that a worker takes tasks from the broker and reaches the database."""

from django.db import models


class Heartbeat(models.Model):
    """The last time a worker ran the heartbeat task: beat, broker, worker and database at once."""

    worker = models.CharField(max_length=255, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} at {self.at:%H:%M:%S}"
