"""Users of a catalog, and what they did."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class User(models.Model):
    """A shopper, reader or viewer; not an operator of the admin."""

    class Exclusion(models.TextChoices):
        NONE = "", "Counts"
        BOT = "bot", "Looks like a bot"
        PERSON = "person", "Excluded by a person"
        KEPT = "kept", "Kept by a person"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="users", db_index=False
    )
    external_id = models.CharField("id", max_length=255, db_collation="C")
    attributes = models.JSONField(default=dict, blank=True)
    history_version = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Counts the changes of the history; a profile made from another is stale.",
    )
    last_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_anonymous = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether only browsers without a user token have sent events of this user.",
    )
    exclusion = models.CharField(
        max_length=8,
        choices=Exclusion.choices,
        blank=True,
        default=Exclusion.NONE,
        db_default="",
        editable=False,
        help_text="Whether what they did counts in training and popularity.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["catalog", "external_id"], name="user_external_id"),
        )
        indexes = (
            models.Index(fields=["catalog", "id"], name="user_catalog"),
            models.Index(
                fields=["catalog", "id"],
                name="user_excluded",
                condition=~models.Q(exclusion=""),
            ),
        )

    def __str__(self) -> str:
        return self.external_id


class UserMerge(models.Model):
    """A visitor who became a user; by the shop's ids, as the visitor is no user any more.

    For a day it holds what moved, so that it can be undone.
    """

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="+", db_index=False
    )
    user = models.CharField(max_length=255, db_collation="C")
    visitor = models.CharField(max_length=255, db_collation="C")
    at = models.DateTimeField()
    visitor_row = models.JSONField(null=True, help_text="What the visitor's row said.")
    gained = ArrayField(
        models.TextField(), default=list, help_text="Attributes that the user had not."
    )
    events = ArrayField(models.UUIDField(), default=list)
    lists = ArrayField(models.UUIDField(), default=list, help_text="By their rec_id.")

    class Meta:
        indexes = (
            models.Index(fields=["catalog", "user"], name="merge_user"),
            models.Index(fields=["catalog", "visitor"], name="merge_visitor"),
            models.Index(
                fields=["at"], name="merge_undoable", condition=models.Q(visitor_row__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.visitor} into {self.user}"


class Event(models.Model):
    """One event; partitioned by month of `at`. The table is made by migration 0002.

    No foreign keys in the database: dropping a month must not lock products and users.
    """

    pk = models.CompositePrimaryKey("id", "at")
    id = models.UUIDField()
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, verbose_name="catalog", db_constraint=False
    )
    user = models.ForeignKey(User, models.DO_NOTHING, db_constraint=False)
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, null=True)
    type = models.TextField()
    at = models.DateTimeField()
    quantity = models.FloatField(null=True)
    value = models.FloatField(null=True)
    rec_id = models.UUIDField(null=True)
    query = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "recommender_event"
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.type} at {self.at:%Y-%m-%d %H:%M}"


class EventKey(models.Model):
    """The ids of all events ever taken in.

    Event's own key must hold its partition column, so it cannot alone refuse a repeat that
    comes without a time and is stamped anew.
    """

    id = models.UUIDField(primary_key=True)
    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.id)
