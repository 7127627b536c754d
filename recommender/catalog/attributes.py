"""The declared attributes of a catalog: their types come from the first product that has them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from psycopg.types.json import Jsonb

from recommender import database
from recommender.models import Catalog
from recommender.retrieval import places

STRING, NUMBER, BOOLEAN, STRINGS = "string", "number", "boolean", "strings"
TIME, GEO = "time", "geo"
KINDS = (STRING, NUMBER, BOOLEAN, STRINGS, TIME, GEO)

_DATE, _CLOCK = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d(:\d\d(\.\d{1,6})?)?"
_ZONE = r"(Z|[+-](0\d|1[0-4]):?\d\d)"
# What only a machine writes, and means as a time: a text of a new attribute that is so declares it.
_MOMENT = re.compile(rf"{_DATE}T{_CLOCK}{_ZONE}", re.ASCII)
# What an attribute of times takes; PostgreSQL reads the same.
_TIME = re.compile(rf"{_DATE}([T ]{_CLOCK}{_ZONE}?)?", re.ASCII)

_DECLARE = """
UPDATE recommender_catalog SET attributes = %(new)s::jsonb || attributes
WHERE id = %(catalog)s AND NOT attributes ?& %(names)s
"""

_RETYPE = """
UPDATE recommender_catalog SET attributes = attributes || %(kinds)s::jsonb WHERE id = %(catalog)s
"""


def infer(value: Any) -> str | None:
    """The type that a value has; None for one that no attribute can hold."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    if isinstance(value, str):
        return TIME if _MOMENT.fullmatch(value) and _is_time(value) else STRING
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return STRINGS
    return GEO if places.place(value) is not None else None


def _is_time(value: str) -> bool:
    """Whether a text is a time: a day, or a time of day with or without a zone."""
    if not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def _fits(value: Any, kind: str, declared: str) -> bool:
    """Whether a value of a type can be of the declared one."""
    if isinstance(value, str) and declared in {STRING, TIME}:
        return declared == STRING or _is_time(value)
    return kind == declared


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
                f"attribute {name!r} is neither a string, a number, a boolean, a list of strings "
                'nor a place {"lat": 52.5, "lon": 13.4}'
            )
        if not _fits(value, kind, declared.get(name, kind)):
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


def retype(catalog: Catalog, kinds: Mapping[str, str]) -> None:
    """Give attributes these types, whatever they had. Values that are of another type are stored
    still, and to filters none. Updates `catalog` too."""
    if not kinds:
        return
    database.execute(_RETYPE, {"catalog": catalog.pk, "kinds": Jsonb(dict(kinds))})
    catalog.refresh_from_db(fields=["attributes"])
