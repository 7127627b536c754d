"""A space: one way to give every product of a catalogue a vector."""

from django.db import models

from recommender.models.catalog import Catalog

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
        Catalog, models.CASCADE, verbose_name="catalogue", related_name="spaces"
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
