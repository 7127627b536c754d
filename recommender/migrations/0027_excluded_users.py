from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # An index is built beside what is written meanwhile.
    atomic = False

    dependencies = [("recommender", "0026_insight")]

    operations = [
        migrations.AddField(
            "catalog",
            "exclude_bots",
            models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether users that insight finds to be bots are left out of training "
                "and popularity.",
            ),
        ),
        migrations.AddField(
            "user",
            "exclusion",
            models.CharField(
                blank=True,
                choices=[
                    ("", "Counts"),
                    ("bot", "Looks like a bot"),
                    ("person", "Excluded by a person"),
                    ("kept", "Kept by a person"),
                ],
                db_default="",
                default="",
                editable=False,
                help_text="Whether what they did counts in training and popularity.",
                max_length=8,
            ),
        ),
        AddIndexConcurrently(
            "user",
            models.Index(
                condition=models.Q(("exclusion", ""), _negated=True),
                fields=["catalog", "id"],
                name="user_excluded",
            ),
        ),
    ]
