import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

KEY = models.BigAutoField(
    auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
)
BEFORE_REFUSAL = "Products on sale when one began that was refused; null: none was."
REPLACE = (
    "Take off sale what the feed no longer has; not where that is more than 20 % of what is on sale."
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
                (
                    "on_sale",
                    models.PositiveBigIntegerField(help_text="Products on sale when it began."),
                ),
                (
                    "before_refusal",
                    models.PositiveBigIntegerField(null=True, help_text=BEFORE_REFUSAL),
                ),
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
        migrations.CreateModel(
            "Feed",
            [
                ("id", KEY),
                (
                    "catalog",
                    models.OneToOneField(
                        "recommender.catalog",
                        django.db.models.deletion.CASCADE,
                        verbose_name="catalog",
                        related_name="feed",
                    ),
                ),
                (
                    "url",
                    models.CharField(
                        max_length=2000,
                        verbose_name="address",
                        validators=[
                            django.core.validators.RegexValidator(
                                r"^https?://[^\s/]", "Give an http or https address."
                            )
                        ],
                        help_text="Of a file of products, as ./kinship import_products takes it.",
                    ),
                ),
                (
                    "format",
                    models.CharField(
                        max_length=32, default="auto", help_text="Of the file; auto recognises it."
                    ),
                ),
                (
                    "options",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text=(
                            "As on the command line, such as: --map id=sku title=name --delimiter ';'"
                        ),
                    ),
                ),
                (
                    "replace",
                    models.BooleanField(
                        default=True, verbose_name="whole catalog", help_text=REPLACE
                    ),
                ),
                (
                    "every_hours",
                    models.PositiveSmallIntegerField(
                        null=True,
                        blank=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(744),
                        ],
                        help_text=(
                            "Fetch it so many hours after the last time; or give a time of day."
                        ),
                    ),
                ),
                (
                    "daily_at",
                    models.TimeField(
                        null=True,
                        blank=True,
                        help_text="Fetch it every day at this time, in UTC.",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        verbose_name="enabled",
                        help_text="Otherwise it is fetched only when somebody asks for it.",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        max_length=16,
                        choices=[
                            ("new", "Not fetched yet"),
                            ("running", "Running"),
                            ("done", "Imported"),
                            ("unchanged", "Not changed"),
                            ("failed", "Failed"),
                        ],
                        default="new",
                        editable=False,
                    ),
                ),
                ("next_at", models.DateTimeField(db_index=True, editable=False, null=True)),
                (
                    "is_forced",
                    models.BooleanField(
                        default=False,
                        editable=False,
                        help_text="The next time, however many products go.",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("started_at", models.DateTimeField(editable=False, null=True)),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
                ("imported_at", models.DateTimeField(editable=False, null=True)),
                (
                    "counts",
                    models.JSONField(
                        default=list,
                        editable=False,
                        help_text=(
                            "What came of the rows when it was last imported: pairs of words and "
                            "number."
                        ),
                    ),
                ),
                (
                    "report",
                    models.TextField(
                        default="", editable=False, help_text="What was said of it the last time."
                    ),
                ),
                ("error", models.TextField(default="", editable=False)),
            ],
            {"ordering": ("catalog__name",)},
        ),
    ]
