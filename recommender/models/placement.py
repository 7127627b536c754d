"""Placements: where a list stands, the defaults of its requests, and a merchandiser's rules."""

from django.db import models
from django.db.models import Q

from recommender.models.catalog import Catalog

MOST_CHARACTERS = 100


class Placement(models.Model):
    """A named set of defaults for the requests of one list, as it is being worked on.

    What serves is the latest of its versions; the draft becomes one when it is published.
    """

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="placements"
    )
    name = models.CharField(
        max_length=MOST_CHARACTERS,
        help_text="As a request names it: home, product, cart, search.",
    )
    draft = models.JSONField(
        help_text="Operation, defaults, fallback and rules, as the API has it."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("catalog", "name")
        constraints = (
            models.UniqueConstraint(fields=("catalog", "name"), name="placement_name"),
            models.CheckConstraint(condition=~Q(name=""), name="placement_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class PlacementVersion(models.Model):
    """What was published under a number; it is never changed."""

    placement = models.ForeignKey(Placement, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    # The version whose document was published again; None where the draft was.
    restores = models.PositiveIntegerField(null=True)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.CharField(max_length=150, default="", db_default="")

    class Meta:
        ordering = ("placement", "-number")
        constraints = (
            models.UniqueConstraint(
                fields=("placement", "number"), name="placement_version_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.placement.name}@{self.number}"
