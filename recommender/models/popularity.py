"""How popular each product is."""

from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class ProductPopularity(models.Model):
    """Popularity of a product, refreshed by a periodic task; apart from Product, as it churns."""

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True)
    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalogue", db_index=False)
    recent = models.FloatField(help_text="Weight of the last 30 days, one vote a user.")
    total = models.FloatField(help_text="Weight of all time, one vote a user.")
    week_users = models.PositiveIntegerField(default=0, help_text="Users in the last 7 days.")
    month_users = models.PositiveIntegerField(default=0, help_text="Users in the last 30 days.")
    quarter_users = models.PositiveIntegerField(default=0, help_text="Users in the last 90 days.")
    all_users = models.PositiveIntegerField(default=0, help_text="Users of all time.")
    first_at = models.DateTimeField(null=True, help_text="Its first event.")

    class Meta:
        indexes = (
            models.Index(
                fields=["catalog", "-recent", "-total", "product"], name="popularity_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.recent:g} of {self.total:g}"
