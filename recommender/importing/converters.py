"""Values that need to know their file: times and numbers in its own form, and its attributes."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from dateutil import parser as dateutil

from recommender.catalog import attributes, values
from recommender.catalog.values import BadValueError
from recommender.importing.mapping import ATTRIBUTE, Columns, Read, is_shown
from recommender.importing.row import BadRowError, RefusedError, Values

DAY_FIRST, MONTH_FIRST, EXCEL = "day-first", "month-first", "excel"
_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
# A day and a month in either order: which is which, no single value tells for sure.
NUMERIC_DATE = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:[ T,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?"
    r"\s*([AaPp])?\.?(?:[Mm]\.?)?)?\s*(?:Z|UTC)?",
    re.ASCII,
)
# Of a text without a year, a month or a day, these two make different times.
_DEFAULTS = (datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 2, 2, tzinfo=UTC))


def time_reader(forms: Sequence[str]) -> Callable[[Any], datetime | None]:
    """What reads times.

    Args:
        forms: tried in turn: strptime formats, `day-first`, `month-first` or `excel`. Without a
            strptime format and `excel`, times are first read as `values.time` does.

    Raises:
        RefusedError: strptime does not take a format.
    """
    readers = [_form_reader(form) for form in forms]
    if {DAY_FIRST, MONTH_FIRST}.issuperset(forms):
        readers = [values.time, *readers, _written_out]

    # Neighbouring rows tend to share their time.
    @lru_cache(4096)
    def read(written: str) -> datetime | None:
        errors = []
        for reader in readers:
            try:
                return reader(written)
            except BadValueError as exc:
                errors.append(exc)
        raise errors[0]

    def convert(value: Any) -> datetime | None:
        if isinstance(value, datetime):
            return values.in_utc(value)
        written = values.text(value)
        return read(written) if written else None

    return convert


def _form_reader(form: str) -> Callable[[str], datetime | None]:
    if form in {DAY_FIRST, MONTH_FIRST}:
        return lambda written: _numeric(written, is_day_first=form == DAY_FIRST)
    if form == EXCEL:
        return _excel
    _check_format(form)
    return lambda written: _strptime(written, form)


def _check_format(form: str) -> None:
    try:
        datetime.strptime(_ANY_TIME.strftime(form), form)  # noqa: DTZ007 - only whether it can
    except ValueError as exc:
        raise RefusedError(f"--time-format {form}: {exc}. Write it as '%Y-%m-%d %H:%M'.") from exc
    if "%" not in form:
        raise RefusedError(
            f"--time-format {form}: write it as '%Y-%m-%d %H:%M', or {DAY_FIRST}, {MONTH_FIRST} "
            f"or {EXCEL}."
        )


def _strptime(written: str, form: str) -> datetime:
    try:
        return values.in_utc(datetime.strptime(written, form))  # noqa: DTZ007 - in UTC here
    except ValueError as exc:
        raise BadValueError("is not a time") from exc


def _numeric(written: str, *, is_day_first: bool) -> datetime:
    parts = NUMERIC_DATE.fullmatch(written)
    if parts is None:
        raise BadValueError("is not a time")
    day, month = (parts[1], parts[3]) if is_day_first else (parts[3], parts[1])
    year = int(parts[4])
    if len(parts[4]) == 2:
        year += 1900 if year >= 70 else 2000
    hour = int(parts[5] or 0)
    if parts[8]:
        hour = hour % 12 + (12 if parts[8] in "pP" else 0)
    try:
        return datetime(
            year, int(month), int(day), hour, int(parts[6] or 0), int(parts[7] or 0), tzinfo=UTC
        )
    except ValueError as exc:
        raise BadValueError("is not a time") from exc


def _excel(written: str) -> datetime:
    """A day's number, as spreadsheets count from 1899-12-30."""
    days = values.number(written)
    if days is None or not 1 <= days < 2_958_466:  # the year 10000
        raise BadValueError("is not a day's number of a spreadsheet")
    return _EXCEL_EPOCH + timedelta(seconds=round(days * 86_400))


def _written_out(written: str) -> datetime:
    """A date with its month's name, or with its year first, as dateutil reads it."""
    if NUMERIC_DATE.fullmatch(written) or not re.search(r"[^\W\d]{3}|\d{4}[/.-]\d", written):
        raise BadValueError("is not a time")
    try:
        times = {dateutil.parse(written, default=default) for default in _DEFAULTS}
    except (ValueError, OverflowError) as exc:
        raise BadValueError("is not a time") from exc
    if len(times) > 1:
        raise BadValueError("is not a whole date")
    return values.in_utc(times.pop())


_MARK = r"(?:[A-Z]{3}|US\$|[$€£¥₹₩₽₺₫₪฿]|zł|kr\.?|Kč|Ft|lei|лв\.?|Fr\.?)"
_MONEY = re.compile(
    rf"(?:{_MARK}\s*)?([+-]?)(?:{_MARK}\s*)?(\d[\d.,'\u2019\s]*|[.,]\d+)\s*(?:{_MARK})?"
)
_SCIENTIFIC = re.compile(r"[+-]?[\d.]+[eE][+-]?\d+")
_ISO_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_CURRENCIES = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "US$": "USD",
    "zł": "PLN",
    "Kč": "CZK",
    "₺": "TRY",
    "₩": "KRW",
    "₽": "RUB",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "Ft": "HUF",
}


def number_reader(decimal: str | None) -> Callable[[Any], float | None]:
    """What reads numbers that may have marks of thousands and of a currency.

    Args:
        decimal: the decimal mark, `.` or `,`; None reads only what can be read in one way.
    """

    def read(value: Any) -> float | None:
        if not isinstance(value, str):
            return values.number(value)
        digits = digits_of(value)
        plain = plain_number(digits, decimal) if digits else digits
        if plain is None:
            raise BadValueError("is not a number")
        return values.number(plain)

    return read


def digits_of(written: str) -> str | None:
    """A number without the marks of a currency; None where it is none."""
    written = written.strip()
    if not written or _SCIENTIFIC.fullmatch(written):
        return written
    money = _MONEY.fullmatch(written)
    return money[1] + re.sub(r"['\u2019\s]", "", money[2]) if money else None


def plain_number(digits: str, decimal: str | None) -> str | None:
    """Digits with a decimal point and no other marks; None where they can be read in two ways.

    `1,299` is such; `1,299.00`, `1.299,00` and `12,50` are not, as groups have three digits.
    """
    marks = re.sub(r"[^.,]", "", digits)
    if decimal is None:
        decimal = _only_decimal(digits, marks)
        if decimal is None:
            return None
    grouping = "," if decimal == "." else "."
    whole, _, rest = digits.partition(decimal)
    if grouping in rest or decimal in rest:
        return None
    if grouping in whole and not re.fullmatch(rf"[+-]?\d{{1,3}}(\{grouping}\d{{2,3}})+", whole):
        return None
    return whole.replace(grouping, "") + ("." + rest if rest else "")


def _only_decimal(digits: str, marks: str) -> str | None:
    """The decimal mark where only one reading is possible; a single point is one."""
    if "," not in marks:
        return "." if len(marks) < 2 else ","
    if "." in marks:
        return marks[-1]
    if len(marks) > 1:
        return "."
    return None if re.fullmatch(r"[+-]?\d{1,3},\d{3}", digits) else ","


def currency_of(written: Any) -> str | None:
    """The ISO code of the currency that is written beside an amount; None where it is not sure."""
    if not isinstance(written, str):
        return None
    if code := _ISO_CURRENCY.search(written):
        return code[0]
    return next((code for mark, code in _CURRENCIES.items() if mark in written), None)


def words(value: Any, separator: str = ",") -> list[str] | None:
    """The words of a list, in text with separators or in a list."""
    parts = value if isinstance(value, list) else str(value or "").split(separator)
    return [word for part in parts if (word := str(part).strip())] or None


class AttributeReader:
    """Reads attributes from rows; the first value of one that is not declared gives its type.

    Attributes:
        kinds: type by name, of those declared and of those read.
        single: how each attribute is read that has a column of its own, by its name.
    """

    def __init__(
        self,
        reads: Mapping[str, Read],
        declared: Mapping[str, str],
        columns: Columns,
        separator: str,
    ):
        """`reads`: by field. `separator`: between the values of a list in text."""
        self.kinds = dict(declared)
        self.single = {
            field.removeprefix(ATTRIBUTE): read.value
            for field, read in reads.items()
            if field.startswith(ATTRIBUTE) and is_shown(read, columns)
        }
        self._all = reads.get("attributes")
        self._are_text = columns.are_text
        self._separator = separator

    def read(self, row: Values) -> str | None:
        """The row's attributes as a JSON object; None where it has none.

        Raises:
            BadRowError: one does not have the type it has elsewhere, or no type at all.
        """
        try:
            members = values.attributes(self._members(row))
        except BadValueError as exc:
            raise BadRowError(f"attributes {exc}") from exc
        if members is None:
            return None
        if reason := attributes.conflict(members, self.kinds):
            raise BadRowError(reason)
        self.kinds |= attributes.inferred(members)
        return orjson.dumps(members).decode()

    def _members(self, row: Values) -> dict[str, Any]:
        given = (values.json_object(self._all.value(row)) if self._all else None) or {}
        return given | {name: self._typed(name, read(row)) for name, read in self.single.items()}

    def _typed(self, name: str, value: Any) -> Any:
        """Text as the type that the attribute is declared with."""
        if not self._are_text or isinstance(value, list):
            return value
        kind = self.kinds.get(name, attributes.STRING)
        try:
            if kind == attributes.STRINGS:
                return words(value, self._separator)
            return _CONVERTERS[kind](value)
        except BadValueError as exc:
            raise BadRowError(f"{ATTRIBUTE}{name} {exc}") from exc


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    attributes.STRING: values.text,
    attributes.NUMBER: values.number,
    attributes.BOOLEAN: values.boolean,
    attributes.TIME: values.text,
    attributes.GEO: values.json_object,
}
