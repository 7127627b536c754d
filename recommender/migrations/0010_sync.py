import django.db.models.deletion
from django.db import migrations, models

KEY = models.BigAutoField(
    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)
ON_SALE = (
    "Products that its removal is measured by: those on sale when it began, or when one before it "
    "was refused."
)


class Migration(migrations.Migration):
    """Tables of their own: nothing that is there changes."""

    dependencies = [("recommender", "0009_made_up_times")]

    operations = [
        migrations.CreateModel(
            "Sync",
            [
                ("id", KEY),
                (
                    "catalog",
                    models.ForeignKey(
                        "recommender.catalog",
                        django.db.models.deletion.CASCADE,
                        verbose_name="catalog",
                        db_index=False,
                    ),
                ),
                (
                    "token",
                    models.CharField(
                        max_length=255, help_text="Which one it is, to whoever sends it."
                    ),
                ),
                ("began_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(db_index=True)),
                ("done_at", models.DateTimeField(null=True)),
                (
                    "last_product",
                    models.BigIntegerField(help_text="The latest product's row when it began."),
                ),
                ("on_sale", models.PositiveBigIntegerField(help_text=ON_SALE)),
                (
                    "has_products",
                    models.BooleanField(default=False, help_text="Whether any could be taken."),
                ),
                (
                    "is_refused",
                    models.BooleanField(default=False, help_text="Whether it would remove too many."),
                ),
                ("removed", models.PositiveBigIntegerField(default=0)),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["catalog", "token"], name="sync_token")
                ]
            },
        ),
        migrations.CreateModel(
            "SeenProduct",
            [
                ("id", KEY),
                (
                    "sync",
                    models.ForeignKey(
                        "recommender.sync",
                        django.db.models.deletion.DO_NOTHING,
                        db_constraint=False,
                        db_index=False,
                    ),
                ),
                ("external_id", models.CharField(max_length=255, db_collation="C")),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(
                        fields=["sync", "external_id"], name="seen_once_a_sync"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            "FetchedFile",
            [
                ("id", KEY),
                (
                    "catalog",
                    models.ForeignKey(
                        "recommender.catalog",
                        django.db.models.deletion.CASCADE,
                        verbose_name="catalog",
                        db_index=False,
                    ),
                ),
                (
                    "key",
                    models.BinaryField(
                        max_length=32, help_text="Of the address and how it is imported."
                    ),
                ),
                ("address", models.TextField()),
                ("etag", models.TextField(blank=True, default="")),
                ("last_modified", models.TextField(blank=True, default="")),
                ("fetched_at", models.DateTimeField()),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["catalog", "key"], name="fetched_file")
                ]
            },
        ),
    ]
