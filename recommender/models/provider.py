"""What is known of a provider of embeddings: its circuit, and the rate limits of its models."""

from django.db import models


class ProviderCircuit(models.Model):
    """A provider's failures in a row; while `open_until` is ahead, it is left alone."""

    provider = models.TextField(primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    open_until = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.provider}: {self.reason or 'well'}"


class RatePace(models.Model):
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
