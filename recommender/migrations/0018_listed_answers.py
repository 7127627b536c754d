"""What lists have shown, by quarters of an hour: `engine/answer_log.py` writes, reads and empties."""

from django.db import migrations

SLOTS = 6

# Unlogged: after a crash of the server a list begins anew.
TABLE = """
CREATE UNLOGGED TABLE recommender_listedanswer_{slot} (
    rec_id uuid PRIMARY KEY,
    catalog_id bigint NOT NULL,
    told text NOT NULL
);
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0016_places")]

    operations = [
        migrations.RunSQL(
            TABLE.format(slot=slot), f"DROP TABLE recommender_listedanswer_{slot}"
        )
        for slot in range(SLOTS)
    ]
