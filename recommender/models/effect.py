"""What lists have shown, and what came of it: the log, the daily figures, what is to be counted."""

from django.db import models

from recommender.models.catalog import Catalog


class Recommendation(models.Model):
    """An answer as it was shown; partitioned by day of `at`. Migration 0030 makes the table.

    `rec_id` tells its time, so that `at` follows from it. Ids are the shop's, not keys: whoever
    writes it looks nothing up.
    """

    pk = models.CompositePrimaryKey("rec_id", "at")
    rec_id = models.UUIDField()
    at = models.DateTimeField()
    catalog = models.ForeignKey(
        Catalog, models.DO_NOTHING, verbose_name="catalog", db_constraint=False
    )
    operation = models.TextField()
    placement = models.TextField(null=True)
    placement_version = models.IntegerField(null=True)
    variant = models.TextField(null=True)
    user = models.TextField(null=True)
    # Best first, of each: id, source, score, propensity.
    items = models.JSONField()
    spaces = models.JSONField()
    ranker = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "recommender_recommendation"
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.operation} at {self.at:%Y-%m-%d %H:%M}"


class LostAnswers(models.Model):
    """How many answers of a day the log does not have, though it should."""

    day = models.DateField(primary_key=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "lost answers"

    def __str__(self) -> str:
        return f"{self.number} of {self.day}"


class EffectFigure(models.Model):
    """What came of lists on a day (UTC), of one product shown in one way.

    `hours` says how it was attributed: 0 by `rec_id`, else by the last touch at most so many hours
    before. Rows with an empty operation are of the whole catalog: its orders by the least `hours`
    of their purchases, null where nothing touched them.
    """

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="+", db_index=False
    )
    day = models.DateField()
    operation = models.TextField(blank=True)
    placement = models.TextField(null=True)
    placement_version = models.IntegerField(null=True)
    variant = models.TextField(null=True)
    source = models.TextField(null=True)
    product_id = models.BigIntegerField(null=True)
    hours = models.SmallIntegerField(null=True)
    impressions = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    carts = models.BigIntegerField(default=0)
    purchases = models.BigIntegerField(default=0)
    revenue = models.FloatField(default=0)
    # Of the values of purchases: what an interval of revenue is made of.
    revenue_squares = models.FloatField(default=0)
    orders = models.BigIntegerField(default=0)
    unknown = models.BigIntegerField(
        default=0, help_text="Events with a rec_id that the log does not have."
    )

    class Meta:
        verbose_name_plural = "effect"
        indexes = (
            models.Index(fields=["catalog", "day"], name="effect_day"),
            models.Index(
                fields=["product_id", "day"],
                name="effect_product",
                condition=models.Q(product_id__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.placement or self.operation} on {self.day}"


class LateDay(models.Model):
    """A past day that got events, or lost some, after it was counted.

    One row for each time that happens, and none is ever changed: who sees a row sees its events.
    """

    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalog", related_name="+")
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.catalog_id} on {self.day}"
