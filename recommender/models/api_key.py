"""An API key: which catalogue a request speaks for, and what it may do."""

from django.db import models

from recommender.models.catalog import Catalog


class ApiKey(models.Model):
    """A key of one catalogue; only its hash is stored."""

    class Scope(models.TextChoices):
        SERVER = "server", "Server: everything"
        BROWSER = "browser", "Browser: send events, read recommendations"
        EMBED = "embed", "Embed: the embedding endpoints only"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalogue", related_name="api_keys"
    )
    scope = models.CharField(max_length=16, choices=Scope.choices)
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, editable=False, help_text="The key's first letters.")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ("catalog", "-created_at")

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.scope})"
