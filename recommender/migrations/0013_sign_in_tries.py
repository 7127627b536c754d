from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("recommender", "0012_user_tokens")]

    operations = [
        migrations.CreateModel(
            "SignInTries",
            [
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("until", models.DateTimeField()),
            ],
        ),
    ]
