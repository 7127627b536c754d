"""Products that a model refused, each with the reason it gave."""

from django.db import models

from recommender.models.product import Product
from recommender.models.space import Space


class QuarantinedProduct(models.Model):
    """A product without a vector in a space because its content was refused.

    It is tried again when its content changes, or when a person asks for it.
    """

    # No constraints in the database: catalogues and their products are deleted in bulk.
    space = models.ForeignKey(Space, models.DO_NOTHING, db_constraint=False, related_name="+")
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, related_name="+")
    content_hash = models.UUIDField()
    code = models.TextField(blank=True, default="")
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(fields=["space", "product"], name="quarantine_once_a_space"),
        )

    def __str__(self) -> str:
        return f"product {self.product_id} in space {self.space_id}"
