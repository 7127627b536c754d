"""What the shop sells."""

from django.db import models

from kinship_client.django import register


class Product(models.Model):
    """Something to buy."""

    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    category = models.CharField(max_length=200)
    brand = models.CharField(max_length=100)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(default=0)
    material = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return self.name


def _euro(_: Product) -> str:
    return "EUR"


# A row that is saved or deleted is sent to Kinship once that is committed.
register(
    Product,
    key="sku",
    title="name",
    description="text",
    category="category",
    brand="brand",
    price="price",
    currency=_euro,
    in_stock="stock",
    attributes=["material"],
)
