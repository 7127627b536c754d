"""Places on Earth: what a place is, how far it is from another, in Python and in SQL.

Distances are great-circle distances in metres, as PostgreSQL's earthdistance has them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import sql

_METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344}
_WRITTEN = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(km|mi|m)", re.ASCII)
_FARTHEST = 20_040_000.0  # half around the Earth

_DISTANCE = sql.SQL(
    "earth_distance(ll_to_earth({latitude}, {longitude}), "
    "kinship_place(p.attributes -> {name}::text))"
)
# The first two conditions are those of the index of places (migration 0016).
_NEAR = sql.SQL("""(p.attributes @? '$.*.lat'
    AND kinship_places(p.attributes)
        && earth_box(ll_to_earth({latitude}, {longitude}), {metres})
    AND {distance} <= {metres})""")


@dataclass(frozen=True, slots=True)
class Place:
    """A place by degrees."""

    latitude: float
    longitude: float


def place(value: Any) -> Place | None:
    """The place that a value is; None for one that is no place."""
    if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
        return None
    latitude, longitude = value["lat"], value["lon"]
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in value.values()):
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return Place(float(latitude), float(longitude))


def metres(value: Any) -> float:
    """A distance: `500m`, `10km`, `3mi`, or a number of metres.

    Raises:
        ValueError: it is no distance, or one of more than half around the Earth.
    """
    distance = _read(value)
    if distance is None:
        raise ValueError("Takes a distance such as 500m, 10km or 3mi.")
    if not 0 < distance <= _FARTHEST:
        raise ValueError("Takes a distance above 0 and up to half around the Earth, 20040km.")
    return distance


def _read(value: Any) -> float | None:
    if isinstance(value, str):
        written = _WRITTEN.fullmatch(value)
        return float(written[1]) * _METRES[written[2]] if written else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None


def distance(
    attribute: str, origin: Place, bind: Callable[[object], sql.Composable]
) -> sql.Composed:
    """The SQL of how many metres a product `p` is away; NULL where it has no place.

    Args:
        bind: gives the placeholder of a parameter.
    """
    return _DISTANCE.format(
        latitude=bind(origin.latitude), longitude=bind(origin.longitude), name=bind(attribute)
    )


def near(
    attribute: str, origin: Place, within: float, bind: Callable[[object], sql.Composable]
) -> sql.Composed:
    """The SQL of whether a product `p` is so near, in metres; through an index, where few are."""
    return _NEAR.format(
        latitude=bind(origin.latitude),
        longitude=bind(origin.longitude),
        metres=bind(within),
        distance=distance(attribute, origin, bind),
    )
