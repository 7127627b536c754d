"""The declared attributes of a catalog: their types come from the first product that has them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from psycopg.types.json import Jsonb

from recommender import database
from recommender.models import Catalog

STRING, NUMBER, BOOLEAN, STRINGS = "string", "number", "boolean", "strings"

_DECLARE = """
UPDATE recommender_catalog SET attributes = %(new)s::jsonb || attributes
WHERE id = %(catalog)s AND NOT attributes ?& %(names)s
"""


def infer(value: Any) -> str | None:
    """The type that a value has; None for one that no attribute can hold."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return STRING
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return STRINGS
    return None


def conflict(values: Mapping[str, Any], declared: Mapping[str, str]) -> str | None:
    """Why these values do not fit the declared types; None where they do. null fits all.

    No more than settings.CATALOG_ATTRIBUTES are declared.
    """
    new = sum(value is not None and name not in declared for name, value in values.items())
    if new and len(declared) + new > settings.CATALOG_ATTRIBUTES:
        return (
            f"the catalog would have more than {settings.CATALOG_ATTRIBUTES:,} different "
            "attributes; use the same names in all products, with what differs in the values, or "
            "raise KINSHIP_CATALOG_ATTRIBUTES"
        )
    for name, value in values.items():
        if value is None:
            continue
        kind = infer(value)
        if kind is None:
            return (
                f"attribute {name!r} is neither a string, a number, a boolean nor a list of strings"
            )
        if declared.get(name, kind) != kind:
            return f"attribute {name!r} is declared as {declared[name]}, not {kind}"
    return None


def inferred(values: Mapping[str, Any]) -> dict[str, str]:
    """The types of the values that have one."""
    kinds = {name: infer(value) for name, value in values.items()}
    return {name: kind for name, kind in kinds.items() if kind}


def inferred_of(products: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The types of all these products' `attributes`; of two of one name the first counts."""
    kinds: dict[str, str] = {}
    for product in products:
        for name, kind in inferred(product["attributes"]).items():
            kinds.setdefault(name, kind)
    return kinds


def declared(catalog: Catalog) -> dict[str, str]:
    """The types that are declared by now; `catalog` may have been read a while ago."""
    catalog.refresh_from_db(fields=["attributes"])
    return dict(catalog.attributes)


def declare(catalog: Catalog, kinds: Mapping[str, str]) -> None:
    """Add these attributes; one that is declared keeps its type. Updates `catalog` too."""
    new = {name: kind for name, kind in kinds.items() if name not in catalog.attributes}
    if not new:
        return
    parameters = {"catalog": catalog.pk, "new": Jsonb(new), "names": list(new)}
    database.execute(_DECLARE, parameters)
    # Somebody else may have declared them meanwhile, as another type.
    catalog.refresh_from_db(fields=["attributes"])
