"""What the whole of a file says about its columns: which of two readings its values have.

`03/04/2025` and `1,299` can be read in two ways. What decides is a value of the same file that can
be read in only one: it is named, with its line. Where there is none, a person has to say it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TypeVar

from recommender.catalog.values import BadValueError
from recommender.importing.converters import (
    DAY_FIRST,
    MONTH_FIRST,
    NUMERIC_DATE,
    digits_of,
    number_reader,
    plain_number,
)
from recommender.importing.mapping import Read
from recommender.importing.row import RefusedError, Row
from recommender.importing.source import SAMPLE_ROWS, Source

_FEW_DECIMALS = re.compile(r"[+-]?\d*\.(\d{1,2}|\d{4,})")

# The readings of a value: one that allows no other, or that it allows two.
_DAY, _MONTH, _DOTTED, _DAY_OR_MONTH = "day", "month", "dotted", "day or month"
_POINT, _COMMA, _POINT_OR_COMMA = "point", "comma", "point or comma"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """The forms in which a file has its values.

    Attributes:
        times: as `converters.time_reader` takes them.
        decimal: as `converters.number_reader` takes it.
        notices: what was found out, and by which value.
    """

    times: tuple[str, ...] = ()
    decimal: str | None = None
    notices: tuple[str, ...] = ()


NOTHING_SAID = Forms()


def survey(source: Source, times: Sequence[Read], numbers: Sequence[Read], given: Forms) -> Forms:
    """The forms of a file; all of it is read only where its first rows leave a doubt.

    Args:
        times: the columns of times.
        numbers: the columns of numbers.
        given: what a person has said, which is kept.

    Raises:
        RefusedError: values can be read in two ways, and nothing tells which is right.
    """
    readers = [(read, _date_reading) for read in times if not given.times]
    readers += [(read, _number_reading) for read in numbers if given.decimal is None]
    if not readers:
        return given
    first = _whole_if(
        source, partial(_readings, readers=readers), lambda first: not first.keys() <= {_POINT}
    )
    return _with_decimal(_with_times(given, first), first) if first else given


_First = dict[str, tuple[int, str]]
Tally = TypeVar("Tally")


def _whole_if(
    source: Source, tally: Callable[[Iterable[Row]], Tally], is_needed: Callable[[Tally], bool]
) -> Tally | None:
    """The tally of all rows; None where that of the first rows makes it needless."""
    with source.path.open("rb") as file:
        if not is_needed(tally(islice(source.rows(file), SAMPLE_ROWS))):
            return None
    with source.path.open("rb") as file:
        return tally(source.rows(file))


def _readings(
    rows: Iterable[Row], readers: Sequence[tuple[Read, Callable[[str], str | None]]]
) -> _First:
    """The line and the value that first had each reading."""
    first: _First = {}
    for row in rows:
        for read, reading_of in readers if row.problem is None else ():
            try:
                value = read.value(row.values)
            except BadValueError:
                continue
            if isinstance(value, str) and (reading := reading_of(value.strip())):
                first.setdefault(reading, (row.line, value.strip()))
    return first


def _date_reading(value: str) -> str | None:
    parts = NUMERIC_DATE.fullmatch(value)
    if parts is None:
        return None
    if int(parts[1]) > 12:
        return _DAY
    if int(parts[3]) > 12:
        return _MONTH
    # Nobody writes a month before a dot.
    return _DOTTED if parts[2] == "." else _DAY_OR_MONTH


def _number_reading(value: str) -> str | None:
    digits = digits_of(value)
    if not digits or not re.search("[.,]", digits):
        return None
    if "," not in digits:
        return _POINT if _FEW_DECIMALS.fullmatch(digits) else None
    plain = plain_number(digits, None)
    if plain is None:
        return _POINT_OR_COMMA
    return _POINT if plain == digits.replace(",", "") else _COMMA


def _with_times(given: Forms, first: _First) -> Forms:
    day, month, dotted = first.get(_DAY), first.get(_MONTH), first.get(_DOTTED)
    if day and month:
        raise RefusedError(
            f"Line {day[0]:,} has the day first ({day[1]!r}), line {month[0]:,} the month "
            f"({month[1]!r}). Part the file by --where, or leave one out."
        )
    if day or month or dotted:
        line, value = day or month or dotted or (0, "")
        order = "month" if month else "day"
        return replace(
            given,
            times=(MONTH_FIRST if month else DAY_FIRST,),
            notices=(
                *given.notices,
                f"Dates are read with the {order} first: {value!r} in line {line:,} "
                f"{'can be read in no other way' if day or month else 'has dots'}.",
            ),
        )
    if either := first.get(_DAY_OR_MONTH):
        raise RefusedError(
            f"{either[1]!r} (line {either[0]:,}) may be a day and a month or a month and a day, "
            "and no row of the file tells which. Say it: "
            f"--time-format {DAY_FIRST} or --time-format {MONTH_FIRST}"
        )
    return given


def _with_decimal(given: Forms, first: _First) -> Forms:
    comma, point, either = first.get(_COMMA), first.get(_POINT), first.get(_POINT_OR_COMMA)
    if comma and not point:
        said = f"Numbers have a decimal comma, as {comma[1]!r} in line {comma[0]:,}."
        return replace(given, decimal=",", notices=(*given.notices, said))
    if point and not comma and either:
        said = (
            f"Numbers have a decimal point, as {point[1]!r} in line {point[0]:,}: "
            f"{either[1]!r} in line {either[0]:,} is {either[1].replace(',', '')}."
        )
        return replace(given, decimal=".", notices=(*given.notices, said))
    if either and not point:
        raise RefusedError(
            f"{either[1]!r} (line {either[0]:,}) may have a decimal comma or one of thousands, and "
            "no row of the file tells which. Say it: --decimal , or --decimal ."
        )
    return given


# The scales that shops and public sets have.
_BEST, _WORST = (1.0, 5.0, 10.0, 100.0), (1.0, 0.5, 0.0)
_ON_SCALE = 0.99  # of the ratings; the others are mistakes


def rating_scale(source: Source, rating: Read) -> tuple[float, float] | None:
    """The worst and the best rating of the usual scale that a file's ratings are on.

    Args:
        rating: the rating of a row; None of a row that has none.

    Returns:
        None where the file has no two different ratings, or is on no such scale.
    """
    read = number_reader(None)

    def ratings(rows: Iterable[Row]) -> Counter[float]:
        counts: Counter[float] = Counter()
        for row in rows:
            with suppress(BadValueError):
                value = read(rating.value(row.values)) if row.problem is None else None
                if value is not None:
                    counts[round(value, 2)] += 1
        return counts

    counts = _whole_if(source, ratings, bool)
    if counts is None:
        return None
    needed = _ON_SCALE * counts.total()
    for best in _BEST:
        for worst in _WORST:
            inside = sum(count for value, count in counts.items() if worst <= value <= best)
            if worst < best and inside >= needed and len(counts) > 1:
                return worst, best
    return None
