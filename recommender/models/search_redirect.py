"""Searches that are for a place of the shop and not for products."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog
from recommender.models.synonyms import LONGEST, MOST_WORDS

LONGEST_PLACE = 1000
_SCHEMES = ("https://", "http://")


class SearchRedirect(models.Model):
    """Where a search for certain words leads: to an address, or to a category of the catalog."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="redirects"
    )
    words = ArrayField(
        models.CharField(max_length=LONGEST),
        size=MOST_WORDS,
        help_text="Whole searches, in any form of their words, separated by commas: "
        "returns, send it back.",
    )
    address = models.CharField(
        max_length=LONGEST_PLACE,
        blank=True,
        help_text="Where they lead: https://shop.example/returns, or /returns of your site.",
    )
    category = models.CharField(
        max_length=LONGEST_PLACE,
        blank=True,
        help_text="Or the category that they lead to, with its path: Kitchen/Mugs.",
    )

    class Meta:
        verbose_name, verbose_name_plural = "search redirect", "search redirects"
        ordering = ("catalog", "id")
        constraints = (
            models.CheckConstraint(
                name="redirect_to_one_place",
                condition=Q(address="", category__gt="") | Q(address__gt="", category=""),
            ),
        )

    def __str__(self) -> str:
        return f"{', '.join(self.words)} → {self.address or self.category}"

    def clean(self) -> None:
        """See that there are words, and one place that a browser may be sent to.

        Raises:
            ValidationError: there are none, or more places than one.
        """
        self.words = [word.strip() for word in self.words or ()]
        self.address, self.category = self.address.strip(), self.category.strip()
        if not all(self.words) or "\x00" in "".join((*self.words, self.address, self.category)):
            raise ValidationError("Write whole searches, with a comma between two.")
        if bool(self.address) == bool(self.category):
            raise ValidationError("Write an address or a category, and not both.")
        is_path = self.address.startswith("/") and self.address[1:2] not in ("/", "\\")
        if self.address and not is_path and not self.address.startswith(_SCHEMES):
            raise ValidationError(
                "An address begins with https://, http:// or, on your site, with one /."
            )
