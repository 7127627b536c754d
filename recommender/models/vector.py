"""Vectors of products and profiles, list-partitioned by space; made by migration 0002.

A partition per space: it has its own index and goes away at once when the space retires.
No foreign keys in the database: dropping a partition must not lock products or users.
"""

from django.db import models
from pgvector.django import HalfVectorField, SparseVectorField

from recommender.models.product import Product
from recommender.models.space import Space
from recommender.models.user import User


class ProductVector(models.Model):
    """A product's vector in a space, unit length, and the hash of the content it was made from.

    The vector is NULL where the product has nothing to embed or is quarantined: done, and no
    one's neighbour. `treatment` says what became of a text over the model's limit: `truncated`
    or `split`; NULL where nothing had to. In a space of behaviour a vector has the treatment
    `trained`, and is never stale, or `predicted`, from the product's text; in one of inner products
    it is of any length.
    """

    pk = models.CompositePrimaryKey("space_id", "product_id")
    space = models.ForeignKey(Space, models.DO_NOTHING, db_constraint=False)
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False)
    embedding = HalfVectorField(null=True)
    sparse = SparseVectorField(null=True)
    content_hash = models.UUIDField()
    treatment = models.TextField(null=True)
    embedded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "recommender_productvector"

    def __str__(self) -> str:
        return f"product {self.product_id} in space {self.space_id}"


class ProfileVector(models.Model):
    """One vector of a user's profile in a space; no vector index, it changes at every event.

    A profile with nothing to go by is one row of kind `none`: known to be empty, not stale.
    """

    class Kind(models.TextChoices):
        INTEREST = "interest", "Interest"
        SHORT_TERM = "short_term", "Short-term"
        LAST = "last", "Last product"
        LONG_TERM = "long_term", "Long-term factor"
        NEGATIVE = "negative", "Pushed away from"
        NONE = "none", "Nothing to go by"

    pk = models.CompositePrimaryKey("space_id", "user_id", "kind", "position")
    space = models.ForeignKey(Space, models.DO_NOTHING, db_constraint=False)
    user = models.ForeignKey(User, models.DO_NOTHING, db_constraint=False)
    kind = models.TextField(choices=Kind.choices)
    position = models.SmallIntegerField()
    weight = models.FloatField()
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False, null=True)
    history_version = models.BigIntegerField()
    embedding = HalfVectorField(null=True)

    class Meta:
        managed = False
        db_table = "recommender_profilevector"

    def __str__(self) -> str:
        return f"{self.kind} {self.position} of user {self.user_id} in space {self.space_id}"


class EmbeddingClaim(models.Model):
    """A worker's short lease on a stale product, so that no two workers embed it at once."""

    pk = models.CompositePrimaryKey("space_id", "product_id")
    space = models.ForeignKey(Space, models.DO_NOTHING, db_constraint=False)
    product = models.ForeignKey(Product, models.DO_NOTHING, db_constraint=False)
    owner = models.TextField()
    until = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "recommender_embeddingclaim"

    def __str__(self) -> str:
        return f"{self.owner} until {self.until:%H:%M:%S}"
