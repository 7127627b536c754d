"""Keeping a catalog in step with its shop: syncs, what they have had, and files at addresses."""

from django.db import models

from recommender.models.catalog import Catalog


class Sync(models.Model):
    """A whole catalog that comes in, in pages or as a file; at its end, what it lacks goes."""

    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalog", db_index=False)
    token = models.CharField(max_length=255, help_text="Which one it is, to whoever sends it.")
    began_at = models.DateTimeField()
    used_at = models.DateTimeField(db_index=True)
    done_at = models.DateTimeField(null=True)
    last_product = models.BigIntegerField(help_text="The latest product's row when it began.")
    on_sale = models.PositiveBigIntegerField(help_text="Products on sale when it began.")
    before_refusal = models.PositiveBigIntegerField(
        null=True, help_text="Products on sale when one began that was refused; null: none was."
    )
    has_products = models.BooleanField(default=False, help_text="Whether any could be taken.")
    is_refused = models.BooleanField(default=False, help_text="Whether it would remove too many.")
    removed = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["catalog", "token"], name="sync_token"),)

    def __str__(self) -> str:
        return f"{self.token} of {self.catalog}"


class SeenProduct(models.Model):
    """An id that a sync in pages has had."""

    # No constraint in the database: they come by the thousand, and go with their sync.
    sync = models.ForeignKey(Sync, models.DO_NOTHING, db_constraint=False, db_index=False)
    external_id = models.CharField(max_length=255, db_collation="C")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["sync", "external_id"], name="seen_once_a_sync"),
        )

    def __str__(self) -> str:
        return self.external_id


class FetchedFile(models.Model):
    """A file at an address that was imported: how to ask its host whether it has changed."""

    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalog", db_index=False)
    key = models.BinaryField(max_length=32, help_text="Of the address and how it is imported.")
    address = models.TextField()
    etag = models.TextField(blank=True, default="")
    last_modified = models.TextField(blank=True, default="")
    fetched_at = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["catalog", "key"], name="fetched_file"),)

    def __str__(self) -> str:
        return f"{self.address}, {self.fetched_at:%-d %B %Y, %H:%M} UTC"

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for it only if it has changed."""
        given = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in given.items() if value}
