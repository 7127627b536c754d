"""Facets: how many products have each value of a field, in one statement for all fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, groupby, pairwise
from operator import itemgetter
from typing import Any

from psycopg import sql

from recommender import database
from recommender.retrieval import matches
from recommender.retrieval.matches import Matches
from recommender.retrieval.product_fields import BOOLEAN, NUMBER, PATH, STRINGS, Binder, Field

MOST_FACETS, MOST_BUCKETS, MOST_RANGES = 10, 20, 20
_MOST_CATEGORIES, _MOST_LEVELS = 100, 10
# Where nobody says which: so many ranges, whose ends may be off by this share of one.
_RANGES, _SLACK = 6, 0.5
_MOST_CELLS = 5000

# A row a bucket: the place of its facet, its value as text, the lower end of its numbers, and how
# many products. A facet has one more row than it may have buckets where it has more; its products
# that have a value are counted in a row of neither; and all products in a row of place −1.
_COUNT = sql.SQL("""
WITH matching AS MATERIALIZED (SELECT p.id, {columns} FROM ({matches}) p)
SELECT -1, NULL::text, NULL::float8, count(*) FROM matching
UNION ALL {facets}
""")
_VALUES = sql.SQL("""(SELECT {place}, {column}::text, NULL::float8, count(*) FROM matching
WHERE {column}::text <> '' GROUP BY 2 ORDER BY 4 DESC, 2 LIMIT {most})""")
_MEMBERS = sql.SQL("""(SELECT {place}, member, NULL::float8, count(*)
FROM matching, LATERAL (SELECT DISTINCT jsonb_array_elements_text({column}) AS member) members
GROUP BY 2 ORDER BY 4 DESC, 2 LIMIT {most})""")
_PATHS = sql.SQL("""(SELECT {place}, array_to_string(parts[:level], '/'), NULL::float8, count(*)
FROM matching, LATERAL (SELECT string_to_array({column}, '/') AS parts) split,
    LATERAL generate_series(1, least(cardinality(parts), {levels})) level
GROUP BY 2 ORDER BY min(level), 4 DESC, 2 LIMIT {most})""")
# Ranges that are given: by the place of their lower end.
_GIVEN = sql.SQL("""(SELECT {place}, NULL, width_bucket({column}::float8, {ends}::float8[])::float8,
    count(*)
FROM matching WHERE {column} IS NOT NULL GROUP BY 3)""")
# Else cells of two significant digits, of which any rounder ranges can be made up.
_CELLS = sql.SQL("""(SELECT {place}, NULL, (floor({column} / unit) * unit)::float8, count(*)
FROM matching, LATERAL (SELECT CASE {column} WHEN 0 THEN 1
    ELSE ('1e' || (floor(log(abs({column})::float8)) - 1))::numeric END AS unit) cell
WHERE {column} IS NOT NULL GROUP BY 3 ORDER BY 3 LIMIT {most})""")
_HAVING = sql.SQL("(SELECT {place}, NULL, NULL, count(*) FROM matching WHERE {there})")


@dataclass(frozen=True, slots=True)
class FacetAsked:
    """A field whose values are counted; for numbers maybe the ends of ranges, ascending."""

    name: str
    field: Field
    ends: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A value, or the numbers from one end up to below the other, and how many products."""

    count: int
    value: str | bool | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a field, and how many products have none."""

    name: str
    buckets: tuple[Bucket, ...]
    missing: int
    has_more: bool  # whether there are more values than are told


@dataclass(frozen=True, slots=True)
class Facets:
    """The facets of a search, and how many products they count."""

    facets: tuple[Facet, ...] = ()
    products: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all products are counted, and not the first so many."""
        return self.products < matches.MOST


def count(found: Matches, asked: Sequence[FacetAsked]) -> Facets:
    """Count the values of these fields among the products that were found."""
    bind = Binder("facet")
    columns = [
        sql.SQL("{} AS {}").format(_column(one.field, bind), _name(place))
        for place, one in enumerate(asked)
    ]
    selects = [part for place, one in enumerate(asked) for part in _selects(place, one, bind)]
    query = _COUNT.format(
        columns=sql.SQL(", ").join(columns),
        matches=found.select,
        facets=sql.SQL(" UNION ALL ").join(selects),
    )
    parameters = {**found.parameters, **bind.parameters}
    rows = sorted(database.fetch(query, parameters), key=itemgetter(0))
    by_place = {place: list(group) for place, group in groupby(rows, itemgetter(0))}
    products = by_place[-1][0][3]
    facets = (_facet(one, by_place.get(place, []), products) for place, one in enumerate(asked))
    return Facets(tuple(facets), products)


def _name(place: int) -> sql.Identifier:
    return sql.Identifier(f"facet_{place}")


def _column(field: Field, bind: Binder) -> sql.Composable:
    """The values to count, as the statements take them."""
    if field.kind == STRINGS:
        return sql.SQL(
            "CASE jsonb_typeof(p.attributes -> {name}::text) WHEN 'array' "
            "THEN NULLIF(p.attributes -> {name}::text, '[]') END"
        ).format(name=bind(field.name))
    return field.value(bind)


def _selects(place: int, asked: FacetAsked, bind: Binder) -> Iterator[sql.Composed]:
    kind, column = asked.field.kind, _name(place)
    there = sql.SQL("{}::text <> ''").format(column)
    yield _HAVING.format(place=sql.Literal(place), there=there)
    form, most = _FORMS.get(kind, (_VALUES, MOST_BUCKETS + 1))
    if asked.ends:
        form = _GIVEN
    yield form.format(
        place=sql.Literal(place),
        column=column,
        most=sql.Literal(most),
        levels=sql.Literal(_MOST_LEVELS),
        **({"ends": bind(list(asked.ends))} if asked.ends else {}),
    )


_FORMS: Mapping[str, tuple[sql.SQL, int]] = {
    STRINGS: (_MEMBERS, MOST_BUCKETS + 1),
    PATH: (_PATHS, _MOST_CATEGORIES + 1),
    NUMBER: (_CELLS, _MOST_CELLS),
}


def _facet(asked: FacetAsked, rows: Sequence[tuple[Any, ...]], products: int) -> Facet:
    having = sum(number for _, value, low, number in rows if value is None and low is None)
    if asked.field.kind == NUMBER:
        cells = sorted((low, number) for _, _, low, number in rows if low is not None)
        given = _between(asked.ends, dict(cells)) if asked.ends else _ranges(cells)
        return Facet(asked.name, tuple(given), products - having, has_more=False)
    is_boolean, is_path = asked.field.kind == BOOLEAN, asked.field.kind == PATH
    counted = [(value, number) for _, value, _, number in rows if value is not None]
    # Of a path those of all values above first; else what most products have.
    counted.sort(key=lambda one: (one[0].count("/") if is_path else 0, -one[1], one[0]))
    buckets = [Bucket(n, value == "true" if is_boolean else value) for value, n in counted]
    most = _MOST_CATEGORIES if is_path else MOST_BUCKETS
    return Facet(asked.name, tuple(buckets[:most]), products - having, len(buckets) > most)


def _between(ends: Sequence[float], counts: Mapping[float, int]) -> Iterator[Bucket]:
    """The numbers below the first end, between two, and from the last; counts by lower end."""
    for place, (lower, upper) in enumerate(pairwise([None, *ends, None])):
        yield Bucket(counts.get(place, 0), lower=lower, upper=upper)


def _ranges(cells: Sequence[tuple[float, int]]) -> list[Bucket]:
    """Ranges of about equally many products, from cells: their lower ends and counts, ascending.

    Every end is the roundest number that divides well.
    """
    ends = _round_ends(cells)
    buckets = []
    for lower, upper in pairwise([None, *ends, None]):
        number = sum(
            n
            for low, n in cells
            if (lower is None or low >= lower) and (upper is None or low < upper)
        )
        buckets.append(Bucket(number, lower=lower, upper=upper))
    return [bucket for bucket in buckets if bucket.count]


def _round_ends(cells: Sequence[tuple[float, int]]) -> list[float]:
    """For each end the roundest number with about as many products below as it should have."""
    total = sum(number for _, number in cells)
    below = list(accumulate((number for _, number in cells), initial=0))
    ends = set()
    for place in range(1, _RANGES):
        least, most = (total * (place + slack) / _RANGES for slack in (-_SLACK, _SLACK))
        near = [low for (low, _), n in zip(cells, below, strict=False) if least <= n <= most and n]
        if near:
            ends.add(_roundest(near[0], near[-1]))
    return sorted(ends)


def _roundest(low: float, high: float) -> float:
    """The number between these, or one of them, that is a multiple of the largest round step."""
    least, most = Decimal(str(low)), Decimal(str(high))
    if least <= 0 <= most:
        return 0.0
    exponent = max(least.adjusted(), most.adjusted()) + 1
    while True:
        for factor in (1, Decimal("0.5"), Decimal("0.2")):
            step = factor * Decimal(10) ** exponent
            number = (least / step).to_integral_value(ROUND_CEILING) * step
            if number <= most:
                return float(number)
        exponent -= 1
