"""Neighbours of products by behaviour: the one signal of it that is not a vector."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class ProductNeighbor(models.Model):
    """The products that go with a product, strongest first; made anew by each training.

    `together` is co-occurrence normalised by degree: what "bought together" shows. `ease` is the
    item-item weights of EASE, which may be negative; of the most popular products only.
    """

    class Kind(models.TextChoices):
        TOGETHER = "together", "Together"
        EASE = "ease", "EASE"

    # No constraints in the database: each training replaces all rows of a catalogue by COPY.
    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalogue", db_constraint=False
    )
    product = models.ForeignKey(
        Product, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    products = ArrayField(models.BigIntegerField())
    scores = ArrayField(models.FloatField())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["product", "kind"], name="neighbor_once_a_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of product {self.product_id}"
