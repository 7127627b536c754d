"""The tables that Django cannot make: partitioned by month or by space, or unlogged."""

from django.db import migrations

EVENT = """
CREATE TABLE recommender_event (
    id uuid NOT NULL,
    catalog_id bigint NOT NULL,
    user_id bigint NOT NULL,
    product_id bigint,
    type text NOT NULL,
    at timestamptz NOT NULL,
    quantity double precision,
    value double precision,
    rec_id uuid,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX event_history ON recommender_event (user_id, at DESC);
CREATE INDEX event_time ON recommender_event (catalog_id, at);
CREATE INDEX event_product ON recommender_event (product_id);
"""

# The product first in the key: within a partition the space is always the same.
# STORAGE PLAIN keeps up to 2,048 dimensions in the row itself: no TOAST fetch for a distance.
PRODUCT_VECTOR = """
CREATE TABLE recommender_productvector (
    space_id bigint NOT NULL,
    product_id bigint NOT NULL,
    embedding halfvec STORAGE PLAIN,
    content_hash uuid NOT NULL,
    embedded_at timestamptz NOT NULL,
    PRIMARY KEY (product_id, space_id)
) PARTITION BY LIST (space_id);
"""

PROFILE_VECTOR = """
CREATE TABLE recommender_profilevector (
    space_id bigint NOT NULL,
    user_id bigint NOT NULL,
    kind text NOT NULL,
    position smallint NOT NULL,
    weight double precision NOT NULL,
    product_id bigint,
    history_version bigint NOT NULL,
    embedding halfvec STORAGE PLAIN,
    PRIMARY KEY (user_id, space_id, kind, position)
) PARTITION BY LIST (space_id);
"""

# Unlogged: after a crash of the server no worker holds a claim.
CLAIM = """
CREATE UNLOGGED TABLE recommender_embeddingclaim (
    space_id bigint NOT NULL,
    product_id bigint NOT NULL,
    owner text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (space_id, product_id)
);
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0001_initial")]

    operations = [
        migrations.RunSQL(EVENT, "DROP TABLE recommender_event"),
        migrations.RunSQL(PRODUCT_VECTOR, "DROP TABLE recommender_productvector"),
        migrations.RunSQL(PROFILE_VECTOR, "DROP TABLE recommender_profilevector"),
        migrations.RunSQL(CLAIM, "DROP TABLE recommender_embeddingclaim"),
    ]
