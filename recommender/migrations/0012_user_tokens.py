from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models import Value

from recommender.models.catalog import default_browser_event_types

SCOPES = [
    ("server", "Server: everything"),
    ("browser", "Browser: send events, read recommendations"),
    ("embed", "Embed: the embedding endpoints only"),
    ("token", "Token: no key, but the secret that your server signs user tokens with"),
]
TYPES = [
    "view",
    "click",
    "view_portion",
    "add_to_cart",
    "remove_from_cart",
    "bookmark",
    "like",
    "dislike",
    "impression",
    "search",
]
HELP_TYPES = (
    "Types of event that a browser key may send without a user token, separated by commas."
)
HELP_PUBLIC = (
    "Attributes that browser keys may read and filter by, separated by commas. Whoever opens the "
    "shop's page can read these of every product."
)
HELP_ANONYMOUS = "Whether only browsers without a user token have sent events of this user."


class Migration(migrations.Migration):
    """Users that are there count as known to the shop's server: whose they are, nothing tells."""

    dependencies = [("recommender", "0011_deaths_at_products")]

    operations = [
        migrations.AddField(
            "catalog",
            "public_attributes",
            ArrayField(
                models.CharField(max_length=255),
                default=list,
                db_default=Value([], ArrayField(models.CharField(max_length=255))),
                blank=True,
                help_text=HELP_PUBLIC,
            ),
        ),
        migrations.AddField(
            "catalog",
            "browser_event_types",
            ArrayField(
                models.CharField(max_length=100),
                default=default_browser_event_types,
                db_default=Value(TYPES, ArrayField(models.CharField(max_length=100))),
                blank=True,
                help_text=HELP_TYPES,
            ),
        ),
        migrations.AddField(
            "user",
            "is_anonymous",
            models.BooleanField(
                default=False, db_default=False, editable=False, help_text=HELP_ANONYMOUS
            ),
        ),
        migrations.AlterField(
            "apikey", "scope", models.CharField(max_length=16, choices=SCOPES)
        ),
    ]
