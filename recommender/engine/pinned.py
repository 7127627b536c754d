"""The products that a merchandiser pins: which of them can be listed, and why others cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.retrieval.filter_cache import VISIBLE
from recommender.retrieval.filters import Filter

# As `degraded`, by `rules.` and the id of the rule.
UNKNOWN, UNAVAILABLE, FILTERED = "unknown_product", "unavailable", "filtered_out"
BEYOND = "beyond_the_list"

# A row a product: its id and key, whether it is available, and whether it passes.
_FIND = sql.SQL("""
SELECT p.external_id, p.id, {visible}, COALESCE({passes}, false) FROM recommender_product p
WHERE p.catalog_id = %(catalog)s AND p.external_id = ANY(%(pinned)s)
""")


@dataclass(frozen=True, slots=True)
class Pinned:
    """A pinned product; `obstacle` says why it cannot be listed."""

    key: int
    obstacle: str | None = None


def find(
    catalog: Catalog,
    products: Sequence[str],
    filter: Filter | None,  # noqa: A002 - the API's word
) -> Mapping[str, Pinned]:
    """The products of these ids, by id: one statement."""
    passes = sql.SQL("true") if filter is None else filter.condition
    statement = _FIND.format(visible=VISIBLE, passes=passes)
    given = {} if filter is None else filter.parameters
    rows = database.fetch(statement, {**given, "catalog": catalog.pk, "pinned": list(products)})
    found = {name: Pinned(key, _obstacle(there, fits)) for name, key, there, fits in rows}
    return {name: found.get(name, Pinned(0, UNKNOWN)) for name in products}


def _obstacle(is_available: bool, passes: bool) -> str | None:
    if not is_available:
        return UNAVAILABLE
    return None if passes else FILTERED
