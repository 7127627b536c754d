from django.db import migrations, models

# The sample store of before: nobody else has its simulated shoppers.
_SHOW_SAMPLE = """
UPDATE recommender_catalog c SET in_shop = true WHERE c.name = 'demo' AND EXISTS (
    SELECT FROM recommender_user u
    WHERE u.catalog_id = c.id AND u.external_id = 'sim-coffee-lover-01'
      AND u.attributes @> '{"simulated": true}'
)
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0027_excluded_users")]

    operations = [
        migrations.AddField(
            "catalog",
            "in_shop",
            models.BooleanField(
                "shown in the shop",
                db_default=False,
                default=False,
                help_text="Whether everybody can see the products in the shop at /, unless "
                "KINSHIP_SHOP is off. What visitors do there becomes events.",
            ),
        ),
        migrations.RunSQL(_SHOW_SAMPLE, migrations.RunSQL.noop),
    ]
