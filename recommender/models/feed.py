"""A catalog's feed: a file at an address that is fetched by a schedule, and how that went."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from embeddings.media.addresses import without_user
from recommender.models.catalog import Catalog

MAX_URL = 2_000
_MOST_HOURS = 24 * 31


class Feed(models.Model):
    """Where a catalog's products come from, when, and what came of the last time."""

    class Status(models.TextChoices):
        NEW = "new", "Not fetched yet"
        RUNNING = "running", "Running"
        DONE = "done", "Imported"
        UNCHANGED = "unchanged", "Not changed"
        FAILED = "failed", "Failed"

    catalog = models.OneToOneField(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="feed"
    )
    url = models.CharField(
        "address",
        max_length=MAX_URL,
        validators=[RegexValidator(r"^https?://[^\s/]", "Give an http or https address.")],
        help_text="Of a file of products, as ./kinship import_products takes it.",
    )
    format = models.CharField(
        max_length=32, default="auto", help_text="Of the file; auto recognises it."
    )
    options = models.TextField(
        blank=True,
        default="",
        help_text="As on the command line, such as: --map id=sku title=name --delimiter ';'",
    )
    replace = models.BooleanField(
        "whole catalog",
        default=True,
        help_text="Take off sale what the feed no longer has; not where that is more than 20 % of "
        "what is on sale.",
    )
    every_hours = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(_MOST_HOURS)],
        help_text="Fetch it so many hours after the last time; or give a time of day.",
    )
    daily_at = models.TimeField(
        null=True, blank=True, help_text="Fetch it every day at this time, in UTC."
    )
    is_enabled = models.BooleanField(
        "enabled", default=True, help_text="Otherwise it is fetched only when somebody asks for it."
    )

    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.NEW, editable=False
    )
    next_at = models.DateTimeField(null=True, editable=False, db_index=True)
    is_forced = models.BooleanField(
        default=False, editable=False, help_text="The next time, however many products go."
    )
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    imported_at = models.DateTimeField(null=True, editable=False)
    counts = models.JSONField(
        default=list,
        editable=False,
        help_text="What came of the rows when it was last imported: pairs of words and number.",
    )
    report = models.TextField(
        default="", editable=False, help_text="What was said of it the last time."
    )
    error = models.TextField(default="", editable=False)

    class Meta:
        ordering = ("catalog__name",)

    def __str__(self) -> str:
        return f"feed of {self.catalog}"

    @property
    def shown_url(self) -> str:
        """The address without the user and password in it."""
        return without_user(self.url)

    def clean(self) -> None:
        """See that it has one schedule.

        Raises:
            ValidationError: it is enabled and has none, or it has two.
        """
        given = (self.every_hours is not None) + (self.daily_at is not None)
        if given > 1 or (self.is_enabled and not given):
            raise ValidationError("Give either the hours between two times, or a time of day.")
