from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import Value

SCOPES = [
    ("server", "Server: everything"),
    ("browser", "Browser: send events, read recommendations"),
    ("embed", "Embed: the embedding endpoints only"),
    ("search", "Search: search and suggestions only, also from a browser"),
    ("insight", "Insight: what the catalog tells, and nothing of a user"),
    ("admin", "Admin: placements, experiments, keys and settings, no products or users"),
    ("token", "Token: no key, but the secret that your server signs user tokens with"),
]
HELP_PLACEMENTS = (
    "Placements that it may ask for, separated by commas, and then no other list; empty for any."
)
HELP_FIELDS = (
    "Fields of products that its lists may carry, such as title, price, separated by commas; empty "
    "for any."
)

# Whoever changes a key, by whatever way, says so; a use that is noted changes nothing of it.
NEWS = """
CREATE FUNCTION kinship_tell_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('kinship_keys', OLD.id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER kinship_key_changed AFTER DELETE OR UPDATE OF
    catalog_id, scope, digest, origins, placements, fields, requests_per_minute,
    address_per_minute, requests_per_day, expires_at, revoked_at
ON recommender_apikey FOR EACH ROW EXECUTE FUNCTION kinship_tell_key();
"""
SILENCE = """
DROP TRIGGER kinship_key_changed ON recommender_apikey;
DROP FUNCTION kinship_tell_key();
"""


class Migration(migrations.Migration):
    """A scope, two bounds, and news of every change of a key to whoever listens."""

    dependencies = [("recommender", "0038_catalog_access")]

    operations = [
        migrations.AlterField("apikey", "scope", models.CharField(max_length=16, choices=SCOPES)),
        migrations.AddField(
            "apikey",
            "placements",
            ArrayField(
                models.CharField(max_length=100),
                default=list,
                db_default=Value([], ArrayField(models.CharField(max_length=100))),
                blank=True,
                help_text=HELP_PLACEMENTS,
            ),
        ),
        migrations.AddField(
            "apikey",
            "fields",
            ArrayField(
                models.CharField(max_length=255),
                default=list,
                db_default=Value([], ArrayField(models.CharField(max_length=255))),
                blank=True,
                help_text=HELP_FIELDS,
            ),
        ),
        migrations.RunSQL(NEWS, SILENCE),
    ]
