"""Experiments: variants of a placement, and who sees which."""

import secrets

from django.core.validators import RegexValidator
from django.db import models

from recommender.models.catalog import Catalog


def new_salt() -> str:
    """Salt of an experiment: with another, others see each variant."""
    return secrets.token_hex(8)


class Experiment(models.Model):
    """Variants that are compared, the first of which is the control.

    `variants` are {name, share, overrides, holdout}: overrides of a request for a list; a hold-out
    is shown no recommendations. Units are users by their id, anonymous visitors by that of their
    visit.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        ENDED = "ended", "Ended"

    class Metric(models.TextChoices):
        ORDERS = "orders", "Orders a user"
        REVENUE = "revenue", "Revenue a user"
        CLICKS = "clicks", "Clicks a user"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="experiments"
    )
    name = models.CharField(
        max_length=63,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9_-]*\Z",
                "Use lower-case letters, digits, - and _, starting with a letter or a digit.",
            )
        ],
    )
    placement = models.CharField(max_length=100, blank=True)
    layer = models.CharField(max_length=63, default="main")
    salt = models.CharField(max_length=32, default=new_salt, editable=False)
    part_from = models.FloatField(default=0.0)
    part_to = models.FloatField(default=1.0)
    variants = models.JSONField(default=list)
    metric = models.CharField(max_length=16, choices=Metric.choices, default=Metric.ORDERS)
    guards = models.JSONField(
        default=list, help_text="Metrics of which a variant that is clearly worse ends it all."
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    started_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.TextField(blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("catalog", "-created_at")
        constraints = (models.UniqueConstraint(fields=["catalog", "name"], name="experiment_name"),)

    def __str__(self) -> str:
        return self.name
