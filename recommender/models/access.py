"""Who may in: keys of catalogs, and tries to sign in to the admin."""

from django.db import models

from recommender.models.catalog import Catalog


class ApiKey(models.Model):
    """A key of one catalog; only its hash is stored."""

    class Scope(models.TextChoices):
        SERVER = "server", "Server: everything"
        BROWSER = "browser", "Browser: send events, read recommendations"
        EMBED = "embed", "Embed: the embedding endpoints only"
        TOKEN = "token", "Token: no key, but the secret that your server signs user tokens with"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="api_keys"
    )
    scope = models.CharField(max_length=16, choices=Scope.choices)
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, editable=False, help_text="The key's first letters.")
    # SHA-256 of the key; of a token secret the random bytes that it is made from.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ("catalog", "-created_at")

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.scope})"


class SignInTries(models.Model):
    """How often somebody tried to sign in to the admin until then, by a digest of who or where."""

    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField(default=0)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.tries}"
