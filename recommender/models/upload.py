"""A file that a person gave to the admin to be imported, and what came of it."""

from django.conf import settings
from django.db import models

from recommender.models.catalog import Catalog


class Upload(models.Model):
    """A file of products or events; the file itself is in the data directory until it is in."""

    class Kind(models.TextChoices):
        PRODUCTS = "products", "Products"
        EVENTS = "events", "What users did: orders, views"

    class Status(models.TextChoices):
        NEW = "new", "Not imported yet"
        WAITING = "waiting", "Waiting for a worker"
        RUNNING = "running", "Running"
        TRIED = "tried", "Tried"
        DONE = "done", "Imported"
        FAILED = "failed", "Failed"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="uploads"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.PRODUCTS)
    name = models.CharField("file", max_length=255)
    format = models.CharField(max_length=32, default="auto")
    options = models.TextField(
        blank=True,
        default="",
        help_text="As on the command line, such as: --map id=sku title=name --delimiter ';'",
    )
    replace = models.BooleanField(
        "whole catalog",
        default=False,
        help_text="Take off sale the products that the file does not have; not where that is more "
        "than 20 % of what is on sale.",
    )
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.NEW, editable=False
    )
    is_dry_run = models.BooleanField(default=True, editable=False)
    counts = models.JSONField(
        default=list,
        editable=False,
        help_text="What came of the rows the last time: pairs of words and number.",
    )
    report = models.TextField(default="", editable=False)
    error = models.TextField(default="", editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField("uploaded", auto_now_add=True)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} for {self.catalog}"
