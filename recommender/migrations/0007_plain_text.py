from django.db import migrations, models

HELP = "Whether HTML and Markdown are taken off what is embedded."


class Migration(migrations.Migration):
    """Versions that are there keep their texts: their vectors are of those."""

    dependencies = [("recommender", "0006_rate_limit")]

    operations = [
        migrations.AddField(
            "space",
            "plain_text",
            models.BooleanField(default=False, editable=False, help_text=HELP),
        ),
        migrations.AlterField(
            "space",
            "plain_text",
            models.BooleanField(default=True, editable=False, help_text=HELP),
        ),
    ]
