from django.db import migrations


class Migration(migrations.Migration):
    """The table of claims is not Django's to change."""

    dependencies = [("recommender", "0010_sync")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE recommender_embeddingclaim ADD deaths smallint NOT NULL DEFAULT 0",
            "ALTER TABLE recommender_embeddingclaim DROP deaths",
        ),
    ]
