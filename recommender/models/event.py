"""An event: what a user did, when, to which product."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product
from recommender.models.user import User


class Event(models.Model):
    """One event; partitioned by month of `at`. The table is made by migration 0002.

    No foreign keys in the database: dropping a month must not lock products and users.
    """

    pk = models.CompositePrimaryKey("id", "at")
    id = models.UUIDField()
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, verbose_name="catalogue", db_constraint=False
    )
    user = models.ForeignKey(User, models.DO_NOTHING, db_constraint=False)
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, null=True)
    type = models.TextField()
    at = models.DateTimeField()
    quantity = models.FloatField(null=True)
    value = models.FloatField(null=True)
    rec_id = models.UUIDField(null=True)

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
        Catalog, models.CASCADE, verbose_name="catalogue", db_constraint=False
    )

    def __str__(self) -> str:
        return str(self.id)
