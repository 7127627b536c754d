"""What users came to after a product."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0022_search_outcomes")]

    operations = [
        migrations.AlterField(
            model_name="productneighbor",
            name="kind",
            field=models.CharField(
                choices=[
                    ("together", "Together"),
                    ("ease", "EASE"),
                    ("next", "Next"),
                    ("bought", "Bought together"),
                ],
                max_length=16,
            ),
        ),
    ]
