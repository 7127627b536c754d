from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0020_related")]

    operations = [
        migrations.AddField(
            "productpopularity",
            "repeat_days",
            models.FloatField(help_text="Days between two purchases of a user.", null=True),
        ),
        migrations.AddField(
            "productpopularity",
            "repeat_variance",
            models.FloatField(help_text="Of the logarithm of those days.", null=True),
        ),
        migrations.AddField(
            "productpopularity",
            "repeat_share",
            models.FloatField(
                db_default=0.0,
                default=0.0,
                help_text="Share of its buyers who bought it again.",
            ),
        ),
    ]
