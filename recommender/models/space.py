"""A space: one way to give every product of a catalog a vector; its vectors, and refused products.

Vectors of products and profiles are list-partitioned by space; migration 0002 makes the tables. A
partition per space: it has its own index and goes away at once when the space retires. No foreign
keys in the database: dropping a partition must not lock products or users.
"""

from django.db import models
from pgvector.django import HalfVectorField, SparseVectorField

from recommender.models.catalog import Catalog
from recommender.models.event import User
from recommender.models.product import Product

DEFAULT_TEMPLATE = "{title}. {brand}. {category}. {description}"


class Space(models.Model):
    """A version of a named space; its vectors are one partition of ProductVector."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        IMAGE = "image", "Picture"
        MULTIMODAL = "multimodal", "Text and pictures"
        BEHAVIOUR = "behaviour", "Behaviour"

    class Metric(models.TextChoices):
        COSINE = "cosine", "Cosine"
        INNER_PRODUCT = "inner_product", "Inner product"

    class Status(models.TextChoices):
        BUILDING = "building", "Building"
        ACTIVE = "active", "Active"
        STANDBY = "standby", "Standby"
        RETIRED = "retired", "Retired"

    class Output(models.TextChoices):
        DENSE = "dense", "Dense"
        SPARSE = "sparse", "Sparse"
        BOTH = "dense&sparse", "Dense and sparse"

    class LongText(models.TextChoices):
        TRUNCATE = "truncate", "Cut at the limit"
        SPLIT = "split", "Embed in parts, average"
        REJECT = "reject", "Quarantine"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="spaces"
    )
    name = models.CharField(max_length=63, default="text")
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.TEXT)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.BUILDING)
    model = models.CharField(max_length=100, help_text="A key of the table of embedding models.")
    dimension = models.PositiveIntegerField()
    metric = models.CharField(
        max_length=16,
        choices=Metric.choices,
        default=Metric.COSINE,
        editable=False,
        help_text="What nearness is.",
    )
    template = models.TextField(
        default=DEFAULT_TEMPLATE, help_text="How a product becomes the text that is embedded."
    )
    plain_text = models.BooleanField(
        default=True,
        editable=False,
        help_text="Whether HTML and Markdown are taken off what is embedded.",
    )
    boilerplate = models.JSONField(
        null=True,
        editable=False,
        help_text="Sentences left out of what is embedded; null until they are looked for.",
    )
    instruction = models.TextField(
        blank=True,
        default="",
        help_text="What the model is told a query is for, where the model takes instructions.",
    )
    output = models.CharField(max_length=16, choices=Output.choices, default=Output.DENSE)
    long_text = models.CharField(
        max_length=16,
        choices=LongText.choices,
        default=LongText.TRUNCATE,
        help_text="What becomes of a text with more tokens than the model takes.",
    )
    paused_reason = models.TextField(
        blank=True, default="", editable=False, help_text="Why nothing is embedded at present."
    )
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    alignment = models.BinaryField(
        null=True,
        blank=True,
        editable=False,
        help_text="A learnt map: from pictures to text, or from text to behaviour.",
    )
    fold_in = models.BinaryField(
        null=True, editable=False, help_text="What gives a user of today a long-term factor."
    )
    trained_until = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Only events before it were learnt from."
    )
    ef_search = models.PositiveIntegerField(
        default=40, editable=False, help_text="Set from the recall measured at activation."
    )
    recall = models.FloatField(
        null=True, blank=True, editable=False, help_text="Measured recall@20 of the index."
    )
    indexed_rows = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Vectors there were when the index was built."
    )
    embedded_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a vector was last written."
    )
    profiles_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Vectors up to here are in the profiles."
    )
    activated_at = models.DateTimeField(null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("catalog", "name", "-version")
        constraints = (
            models.UniqueConstraint(fields=["catalog", "name", "version"], name="space_version"),
            models.UniqueConstraint(
                fields=["catalog", "name"],
                condition=models.Q(status="active"),
                name="space_one_active_version",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


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
    deaths = models.SmallIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "recommender_embeddingclaim"

    def __str__(self) -> str:
        return f"{self.owner} until {self.until:%H:%M:%S}"


class QuarantinedProduct(models.Model):
    """A product without a vector in a space because its content was refused.

    It is tried again when its content changes, or when a person asks for it.
    """

    # No constraints in the database: catalogs and their products are deleted in bulk.
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
        return f"{self.product} in {self.space}"
