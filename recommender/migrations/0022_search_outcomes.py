import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0021_repurchase")]

    operations = [
        # Without a default: no row is written anew.
        migrations.RunSQL(
            "ALTER TABLE recommender_event ADD COLUMN query text",
            "ALTER TABLE recommender_event DROP COLUMN query",
        ),
        migrations.AddField("event", "query", models.TextField(null=True)),
        migrations.CreateModel(
            name="SearchOutcome",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "catalog_id",
                        "query",
                        "product_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("query", models.TextField(db_collation="C")),
                ("share", models.FloatField()),
                (
                    "catalog",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recommender.catalog",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="recommender.product",
                    ),
                ),
            ],
        ),
    ]
