"""Places of products: attributes such as {"lat": 52.5, "lon": 13.4}, and an index of them."""

from django.contrib.postgres.operations import CreateExtension
from django.db import migrations

# One index for all attributes, whatever they are called: of the box around a product's places,
# which mostly is one place. The names of functions are looked up now and not when they are called:
# PostgreSQL builds and analyses an index with an empty search_path.
PLACES = """
CREATE FUNCTION kinship_place(value jsonb) RETURNS earth
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value @? '$ ? (@.lat >= -90 && @.lat <= 90 && @.lon >= -180 && @.lon <= 180)'
    THEN ll_to_earth((value ->> 'lat')::float8, (value ->> 'lon')::float8) END;

CREATE FUNCTION kinship_places(attributes jsonb) RETURNS cube
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT CASE WHEN count(*) > 0 THEN cube(
        ARRAY[min(cube_ll_coord(at, 1)), min(cube_ll_coord(at, 2)), min(cube_ll_coord(at, 3))],
        ARRAY[max(cube_ll_coord(at, 1)), max(cube_ll_coord(at, 2)), max(cube_ll_coord(at, 3))]) END
    FROM jsonb_each(attributes) each, LATERAL (SELECT kinship_place(each.value) AS at) place
    WHERE at IS NOT NULL
);

CREATE INDEX product_places ON recommender_product USING gist (kinship_places(attributes))
WHERE attributes @? '$.*.lat';
"""
NO_PLACES = """
DROP INDEX product_places;
DROP FUNCTION kinship_places;
DROP FUNCTION kinship_place;
"""


class Migration(migrations.Migration):
    dependencies = [("recommender", "0015_search")]

    operations = [
        CreateExtension("cube"),
        CreateExtension("earthdistance"),
        migrations.RunSQL(PLACES, NO_PLACES),
    ]
