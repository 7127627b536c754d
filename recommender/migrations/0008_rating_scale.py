from django.db import migrations, models

HELP_MIN = "The worst rating that a user can give, as no star at all."
HELP_MAX = "The best rating that a user can give; halfway between the two says nothing."


class Migration(migrations.Migration):
    """Ratings were read on a scale of 0 to 5: catalogs that are there keep it."""

    dependencies = [("recommender", "0007_plain_text")]

    operations = [
        migrations.AddField(
            "catalog", "rating_min", models.FloatField(default=0.0, db_default=0.0, help_text=HELP_MIN)
        ),
        migrations.AddField(
            "catalog", "rating_max", models.FloatField(default=5.0, db_default=5.0, help_text=HELP_MAX)
        ),
    ]
