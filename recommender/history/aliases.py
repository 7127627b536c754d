"""The id of a merged product stands for the one that stayed: how statements look a product up."""

from psycopg import sql

from recommender import database
from recommender.models import Catalog

# The key of the product that an id stands for; NULL where it is none that is there. Aliases are
# looked up only for what is no product by itself.
_MERGED = """
SELECT m.kept_id FROM recommender_product n JOIN recommender_productmerge m ON m.product_id = n.id
JOIN recommender_product k ON k.id = m.kept_id AND k.deleted_at IS NULL
WHERE n.catalog_id = {catalog} AND n.external_id = {name}
"""
MERGED = sql.SQL(_MERGED)
_KEY = f"""
COALESCE((SELECT n.id FROM recommender_product n WHERE n.catalog_id = {{catalog}}
          AND n.external_id = {{name}} AND n.deleted_at IS NULL), ({_MERGED}))
"""  # noqa: S608 - built from constants
KEY = sql.SQL(_KEY)

# Of rows of products `p`: whether it was merged into another.
IS_MERGED = sql.SQL("EXISTS (SELECT FROM recommender_productmerge m WHERE m.product_id = p.id)")

_CANONICAL = sql.SQL("SELECT external_id FROM recommender_product WHERE id = ({})").format(
    KEY.format(catalog=sql.SQL("%(catalog)s"), name=sql.SQL("%(name)s"))
)


def canonical(catalog: Catalog, product_id: str) -> str:
    """The id of the product that stayed, of one that was merged into it; any other as it is."""
    rows = database.fetch(_CANONICAL, {"catalog": catalog.pk, "name": product_id})
    return rows[0][0] if rows else product_id
