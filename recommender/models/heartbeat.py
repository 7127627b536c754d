"""Proof that a worker takes tasks from the broker and reaches the database."""

from datetime import timedelta

from django.db import models

# Beat sends a heartbeat every 15 s, and a worker that is busy takes it up within one task: one
# that is older than this is of a worker that is gone.
ALIVE_FOR = timedelta(seconds=90)


class Heartbeat(models.Model):
    """The last time a worker ran the heartbeat task: beat, broker, worker and database at once."""

    worker = models.CharField(max_length=255, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} at {self.at:%H:%M:%S}"
