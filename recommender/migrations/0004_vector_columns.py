"""Sparse vectors, and what became of a text that was too long."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("recommender", "0003_hosted_models")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE recommender_productvector ADD COLUMN sparse sparsevec, "
            "ADD COLUMN treatment text",
            "ALTER TABLE recommender_productvector DROP COLUMN sparse, DROP COLUMN treatment",
        )
    ]
