"""A user of a catalogue: somebody who views, buys, likes."""

from django.db import models

from recommender.models.catalog import Catalog


class User(models.Model):
    """A shopper, reader or viewer; not an operator of the admin."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalogue", related_name="users", db_index=False
    )
    external_id = models.CharField("id", max_length=255, db_collation="C")
    attributes = models.JSONField(default=dict, blank=True)
    history_version = models.BigIntegerField(
        default=0,
        editable=False,
        help_text="Counts the changes of the history; a profile made from another is stale.",
    )
    last_event_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["catalog", "external_id"], name="user_external_id"),
        )
        indexes = (models.Index(fields=["catalog", "id"], name="user_catalog"),)

    def __str__(self) -> str:
        return self.external_id
