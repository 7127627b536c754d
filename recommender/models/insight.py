"""What was found out about a catalog: runs of insight kinds, their findings, what people decide."""

from uuid import uuid4

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.event import User
from recommender.models.product import Product


class InsightRun(models.Model):
    """One run of a kind of insight; of a catalog and kind one is unfinished at a time."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    UNFINISHED = (Status.WAITING, Status.RUNNING)

    # What programs call it by: a number would tell how many runs other catalogs have.
    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="insights", db_index=False
    )
    kind = models.CharField(max_length=32)
    parameters = models.JSONField(default=dict)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    progress = models.JSONField(default=dict, help_text="What is done now: text, done and total.")
    space_name = models.CharField(max_length=63, blank=True, default="")
    space_version = models.PositiveIntegerField(null=True)
    summary = models.TextField(blank=True, default="")
    figures = models.JSONField(default=dict)
    arrays = models.BinaryField(null=True, help_text="What is read again, as centroids.")
    error = models.TextField(blank=True, default="")
    error_code = models.CharField(max_length=64, blank=True, default="")
    seconds = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "insight run"
        verbose_name_plural = "insight runs"
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["catalog", "kind"],
                condition=models.Q(status__in=("waiting", "running")),
                name="insight_one_unfinished",
            ),
        )
        indexes = (models.Index(fields=["catalog", "kind", "-id"], name="insight_run_latest"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.catalog}, {self.created_at:%-d %B %Y, %H:%M} UTC"


class InsightFinding(models.Model):
    """One row of a run's result; `score` is the order, the highest first."""

    run = models.ForeignKey(InsightRun, models.CASCADE, related_name="findings", db_index=False)
    # No constraints in the database: products and users are deleted in bulk.
    product = models.ForeignKey(
        Product, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    user = models.ForeignKey(
        User, models.DO_NOTHING, null=True, db_constraint=False, related_name="+", db_index=False
    )
    group = models.TextField(blank=True, default="", db_collation="C")
    score = models.FloatField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ("-score", "id")
        indexes = (
            models.Index(fields=["run", "-score", "id"], name="insight_finding_order"),
            models.Index(fields=["run", "group", "-score", "id"], name="insight_finding_group"),
            models.Index(
                fields=["run", "product"],
                name="insight_finding_product",
                condition=models.Q(product__isnull=False),
            ),
            models.Index(
                fields=["user"],
                name="insight_finding_user",
                condition=models.Q(user__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.group or 'finding'}: {self.score:g}"


class CategoryDecision(models.Model):
    """A category that a run proposed for a product, as somebody accepted or refused it."""

    catalog = models.ForeignKey(Catalog, models.CASCADE, db_index=False, related_name="+")
    # No constraint in the database: products are deleted in bulk.
    product = models.ForeignKey(
        Product, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    category = models.TextField(db_collation="C")
    is_accepted = models.BooleanField()
    decided_by = models.CharField(max_length=150, blank=True, default="")
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["product", "category"], name="category_decided_once"),
        )
        indexes = (models.Index(fields=["catalog", "product"], name="category_decision_catalog"),)

    def __str__(self) -> str:
        said = "accepted" if self.is_accepted else "refused"
        return f"{self.category} {said} for product {self.product_id}"
