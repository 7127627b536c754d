from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0005_behaviour")]

    operations = [
        migrations.RenameModel("RatePace", "RateLimit"),
        migrations.AlterField(
            "ranker",
            "figures",
            models.JSONField(
                default=dict, help_text="How each kind did in the backtest that chose it."
            ),
        ),
    ]
