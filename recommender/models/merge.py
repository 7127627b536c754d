"""Products that turned out to be one: which one stays, and the events that changed hands."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class ProductMerge(models.Model):
    """A product that was merged into another one, for which its id stands from then on.

    No constraints in the database: products are deleted in bulk.
    """

    product = models.OneToOneField(
        Product, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="merge"
    )
    kept = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, related_name="merged")
    catalog = models.ForeignKey(Catalog, models.CASCADE, related_name="+")
    merged_by = models.CharField(max_length=150, blank=True, default="")
    merged_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "merged product"

    def __str__(self) -> str:
        return f"{self.product_id} into {self.kept_id}"


class MergedEvent(models.Model):
    """An event that a merge moved, so that undoing it gives back these and no others."""

    event_id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, related_name="+")
    catalog = models.ForeignKey(Catalog, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return str(self.event_id)
