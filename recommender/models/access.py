"""Who may in: keys of catalogs, and tries to sign in to the admin."""

import re

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value

from recommender.models.catalog import Catalog
from recommender.models.placement import MOST_CHARACTERS

_ORIGIN = re.compile(r"https?://[^/\s,]+")


class ApiKey(models.Model):
    """A key of one catalog; only its hash is stored."""

    class Scope(models.TextChoices):
        SERVER = "server", "Server: everything"
        BROWSER = "browser", "Browser: send events, read recommendations"
        EMBED = "embed", "Embed: the embedding endpoints only"
        SEARCH = "search", "Search: search and suggestions only, also from a browser"
        INSIGHT = "insight", "Insight: what the catalog tells, and nothing of a user"
        ADMIN = "admin", "Admin: placements, experiments, keys and settings, no products or users"
        TOKEN = "token", "Token: no key, but the secret that your server signs user tokens with"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="api_keys"
    )
    scope = models.CharField(max_length=16, choices=Scope.choices)
    label = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, editable=False, help_text="The key's first letters.")
    # SHA-256 of the key; of a token secret the random bytes that it is made from.
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    origins = ArrayField(
        models.CharField(max_length=255),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=255))),
        blank=True,
        help_text="Origins whose pages may use it, such as https://shop.example.org, separated by "
        "commas; empty for any. Others that show none are refused, too.",
    )
    placements = ArrayField(
        models.CharField(max_length=MOST_CHARACTERS),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=MOST_CHARACTERS))),
        blank=True,
        help_text="Placements that it may ask for, separated by commas, and then no other list; "
        "empty for any.",
    )
    fields = ArrayField(
        models.CharField(max_length=255),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=255))),
        blank=True,
        help_text="Fields of products that its lists may carry, such as title, price, separated by "
        "commas; empty for any.",
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="How often it may be used in any 60 seconds; empty: any.",
    )
    address_per_minute = models.PositiveIntegerField(
        "requests per minute and address",
        null=True,
        blank=True,
        help_text="The same of one client's address: what one visitor may ask with a browser key.",
    )
    requests_per_day = models.PositiveIntegerField(
        null=True, blank=True, help_text="How often it may be used in a day from its first use on."
    )
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When it ends by itself; empty: never."
    )
    last_used_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="To ten minutes."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        ordering = ("catalog", "-created_at")

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.scope})"

    def clean(self) -> None:
        """See that origins are some.

        Raises:
            ValidationError: one is none.
        """
        for origin in self.origins or ():
            if not _ORIGIN.fullmatch(origin):
                text = f"{origin!r} is no origin; write one as https://shop.example.org."
                raise ValidationError({"origins": text})


class CatalogAccess(models.Model):
    """The catalogs that an operator sees and edits; who has no such row sees all of them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="catalog_access"
    )
    catalogs = models.ManyToManyField(
        Catalog,
        blank=True,
        related_name="+",
        help_text="This person sees and edits these alone, none where none is chosen. Without "
        "this narrowing, and as a superuser, all.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "narrowing to catalogs"

    def __str__(self) -> str:
        return f"catalogs of {self.user}"


class SignInTries(models.Model):
    """How often somebody tried to sign in to the admin until then, by a digest of who or where."""

    key = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField(default=0)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]}: {self.tries}"
