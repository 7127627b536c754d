"""How similar products are blended, and what is bought together."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0019_synonyms")]

    operations = [
        migrations.AddField(
            model_name="catalog",
            name="similar_blend",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                editable=False,
                help_text="How much content, behaviour and co-occurrence count for similar "
                "products, as training found; empty: content alone.",
            ),
        ),
        migrations.AlterField(
            model_name="productneighbor",
            name="kind",
            field=models.CharField(
                choices=[
                    ("together", "Together"),
                    ("ease", "EASE"),
                    ("bought", "Bought together"),
                ],
                max_length=16,
            ),
        ),
    ]
