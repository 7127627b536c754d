from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0024_next")]

    operations = [
        migrations.AddField(
            model_name="catalog",
            name="learner_settings",
            field=models.JSONField(
                blank=True,
                db_default={},
                default=dict,
                editable=False,
                help_text="What training found for its learners, and of which history; empty: "
                "nothing yet.",
            ),
        ),
    ]
