"""Which products of a shop pass a filter."""

from collections.abc import Mapping
from typing import Any

from psycopg import sql

from recommender import database
from recommender.retrieval import filters
from tests.recommender import goods
from tests.shop import Shop


def passing(shop: Shop, document: Any, kinds: Mapping[str, str] = goods.DECLARED) -> set[str]:
    """The ids of the products that pass a filter."""
    parsed = filters.parse(document, kinds)
    query = sql.SQL(
        "SELECT p.external_id FROM recommender_product p WHERE p.catalog_id = {} AND {}"
    ).format(sql.Literal(shop.catalog.pk), parsed.condition)
    return {row[0] for row in database.fetch(query, parsed.parameters)}
