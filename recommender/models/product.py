"""A product of a catalog: what a shop knows of a thing it offers."""

from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxLengthValidator, MinValueValidator
from django.db import models
from django.db.models.expressions import RawSQL

from recommender.models.catalog import Catalog

# The fields whose change makes a product's vectors stale. Every cast here is immutable, so that
# PostgreSQL can keep the hash by itself, whoever writes the row.
_CONTENT = r"""md5(
    title || E'\x1f' || description || E'\x1f' || brand || E'\x1f' || category
    || E'\x1f' || attributes::text || E'\x1f' || image_urls::text || E'\x1f' || video_urls::text
)::uuid"""

# Characters of a brand or a category: a B-tree entry holds some 2,700 bytes.
MAX_LABEL = 600

VISIBLE = models.Q(deleted_at__isnull=True, in_stock=True)


class Product(models.Model):
    """A product. Its vectors live elsewhere, so that a price change touches no vector index."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="products", db_index=False
    )
    external_id = models.CharField("id", max_length=255, db_collation="C")
    title = models.TextField(blank=True, default="")
    description = models.TextField(blank=True, default="")
    category = models.TextField(
        blank=True,
        default="",
        db_collation="C",
        validators=[MaxLengthValidator(MAX_LABEL)],
        help_text="A path such as Home/Kitchen.",
    )
    brand = models.TextField(
        blank=True, default="", db_collation="C", validators=[MaxLengthValidator(MAX_LABEL)]
    )
    price = models.DecimalField(
        max_digits=14,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    currency = models.CharField(max_length=3, blank=True, default="")
    in_stock = models.BooleanField(default=True, help_text="Nothing out of stock is recommended.")
    image_urls = models.JSONField(default=list, blank=True)
    video_urls = models.JSONField(default=list, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    content_hash = models.GeneratedField(
        expression=RawSQL(_CONTENT, ()),  # noqa: S611 - a constant of this file
        output_field=models.UUIDField(),
        db_persist=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["catalog", "external_id"], name="product_external_id"),
            models.CheckConstraint(
                condition=models.Q(price__isnull=True) | models.Q(price__gte=0),
                name="product_price_not_negative",
            ),
        )
        # Covering: a filter's passing ids come from the index alone, without the wide rows.
        indexes = (
            models.Index(fields=["catalog", "id"], name="product_catalog"),
            models.Index(fields=["catalog", "updated_at"], name="product_updated"),
            models.Index(
                fields=["catalog"], name="product_visible", include=["id"], condition=VISIBLE
            ),
            models.Index(
                fields=["catalog", "price"], name="product_price", include=["id"], condition=VISIBLE
            ),
            models.Index(
                fields=["catalog", "brand"], name="product_brand", include=["id"], condition=VISIBLE
            ),
            models.Index(
                fields=["catalog", "category"],
                name="product_category",
                include=["id"],
                condition=VISIBLE,
            ),
            GinIndex(
                fields=["attributes"], name="product_attributes", opclasses=["jsonb_path_ops"]
            ),
        )

    def __str__(self) -> str:
        return self.title or self.external_id
