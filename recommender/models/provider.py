"""What embedding knows of providers: circuits, rate limits, spend, paid vectors, heartbeats."""

from datetime import timedelta

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.space import Space


class ProviderCircuit(models.Model):
    """A provider's failures in a row; while `open_until` is ahead, it is left alone."""

    provider = models.TextField(primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason or 'well'}"


class RateLimit(models.Model):
    """The shared rate limiter's state, by account and model.

    Times are Unix seconds of the database's clock.
    """

    key = models.TextField(primary_key=True)
    requests_at = models.FloatField(default=0.0)
    tokens_at = models.FloatField(default=0.0)
    share = models.FloatField(default=0.0)
    share_at = models.FloatField(default=0.0)
    held_until = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return self.key


class EmbeddingSpend(models.Model):
    """Tokens and cost of one day (UTC) in one space; without a space, of the endpoints' callers."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="spend"
    )
    # Kept when the space is gone: the money is.
    space = models.ForeignKey(
        Space, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    space_label = models.TextField(blank=True, default="")
    model = models.TextField()
    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    cached_rows = models.PositiveBigIntegerField(default=0)
    tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=16, decimal_places=8, default=0)
    reserved = models.DecimalField(max_digits=16, decimal_places=8, default=0)

    class Meta:
        ordering = ("-day", "catalog", "model")
        verbose_name_plural = "embedding spend"
        constraints = (
            models.UniqueConstraint(
                fields=["catalog", "day", "model", "space"],
                name="spend_once_a_day",
                nulls_distinct=False,
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.model}: ${self.cost}"


class CachedEmbedding(models.Model):
    """What a hosted model gave for one input.

    `digest` is over model, dimension, output, role, instruction and the input's content; no
    catalog is in it. `vector` is float32, little-endian; `sparse` is JSON of indices, values
    and tokens.
    """

    digest = models.BinaryField(max_length=32, primary_key=True)
    model = models.TextField()
    vector = models.BinaryField(null=True)
    sparse = models.BinaryField(null=True)
    tokens = models.PositiveIntegerField()
    used_on = models.DateField(db_index=True)

    def __str__(self) -> str:
        return f"{self.model} {bytes(self.digest).hex()[:12]}"


# Beat sends a heartbeat every 15 s, and a worker that is busy takes it up within one task: one
# that is older than this is of a worker that is gone.
ALIVE_FOR = timedelta(seconds=90)


class Heartbeat(models.Model):
    """The last time a worker ran the heartbeat task: beat, broker, worker and database at once."""

    worker = models.CharField(max_length=255, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} at {self.at:%H:%M:%S}"
