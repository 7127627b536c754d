from django.db import migrations, models


class Migration(migrations.Migration):
    """Training sets it; until then times are taken for what they say.

    Spaces that are there keep their texts: their vectors are of those.
    """

    dependencies = [("recommender", "0008_rating_scale")]

    operations = [
        migrations.AddField(
            "catalog",
            "has_made_up_times",
            models.BooleanField(
                default=False,
                editable=False,
                help_text=(
                    "Whether times tell only the order of each user's events; found in training."
                ),
            ),
        ),
        migrations.AddField(
            "trainingrun",
            "progress",
            models.JSONField(
                default=dict, editable=False, help_text="What is done now: text, done and total."
            ),
        ),
        migrations.AddField(
            "space", "boilerplate", models.JSONField(default=list, null=True, editable=False)
        ),
        migrations.AlterField(
            "space",
            "boilerplate",
            models.JSONField(
                null=True,
                editable=False,
                help_text="Sentences left out of what is embedded; null until they are looked for.",
            ),
        ),
    ]
