from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0013_sign_in_tries")]

    operations = [
        migrations.AddField(
            "space",
            "retry_at",
            models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
