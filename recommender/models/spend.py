"""The ledger: what embedding cost, by space and day."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.space import Space


class EmbeddingSpend(models.Model):
    """Tokens and cost of one day (UTC) in one space; without a space, of the endpoints' callers."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalogue", related_name="spend"
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
