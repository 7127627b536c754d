"""Which products of a shop pass a filter."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import sql

from recommender import database
from recommender.retrieval import filters
from recommender.retrieval.filter_context import FilterContext
from tests.recommender import goods
from tests.shop import Shop


def passing(
    shop: Shop,
    document: Any,
    kinds: Mapping[str, str] = goods.DECLARED,
    *,
    product: str | None = None,
    as_of: datetime | None = None,
) -> set[str]:
    """The ids of the products that pass a filter, asked about a product and at a time."""
    parsed = filters.parse(document, kinds, FilterContext(shop.catalog, product, as_of))
    query = sql.SQL(
        "SELECT p.external_id FROM recommender_product p WHERE p.catalog_id = {} AND {}"
    ).format(sql.Literal(shop.catalog.pk), parsed.condition)
    return {row[0] for row in database.fetch(query, parsed.parameters)}
