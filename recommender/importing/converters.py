"""Values that need to know their file: times in its own form, and its attributes."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from recommender.catalog import attributes, values
from recommender.catalog.values import BadValueError
from recommender.importing.mapping import ATTRIBUTE
from recommender.importing.row import BadRowError, RefusedError, Values

_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def time_reader(form: str | None) -> Callable[[Any], datetime | None]:
    """What reads times: by a strptime format, or else as `values.time` does.

    Raises:
        RefusedError: strptime does not take the format.
    """
    if form is None:
        return values.time
    _check_format(form)

    # Neighbouring rows tend to share their time.
    @lru_cache(4096)
    def read(written: str) -> datetime:
        try:
            moment = datetime.strptime(written, form)  # noqa: DTZ007 - in UTC below
        except ValueError as exc:
            raise BadValueError("is not a time") from exc
        return values.in_utc(moment)

    def convert(value: Any) -> datetime | None:
        written = values.text(value)
        return read(written) if written else None

    return convert


def _check_format(form: str) -> None:
    try:
        datetime.strptime(_ANY_TIME.strftime(form), form)  # noqa: DTZ007 - only whether it can
    except ValueError as exc:
        raise RefusedError(f"--time-format {form}: {exc}. Write it as '%Y-%m-%d %H:%M'.") from exc


# Every request reads the declared attributes of its catalog.
MAX_NAMES = 1_000


class AttributeReader:
    """Reads attributes from rows; the first value of one that is not declared gives its type.

    Attributes:
        kinds: type by name, of those declared and of those read.
        single: column by name of the attributes that have a column of their own.
    """

    def __init__(self, fields: Mapping[str, str], declared: Mapping[str, str], is_text: bool):
        """`fields`: columns by field. `is_text`: values are text, whatever they mean."""
        self.kinds = dict(declared)
        self.single = {
            field.removeprefix(ATTRIBUTE): column
            for field, column in fields.items()
            if field.startswith(ATTRIBUTE)
        }
        self._all = fields.get("attributes")
        self._is_text = is_text

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
        kinds = self.kinds | attributes.inferred(members)
        if len(kinds) > max(MAX_NAMES, len(self.kinds)):
            raise BadRowError(f"more than {MAX_NAMES:,} different attributes")
        self.kinds = kinds
        return orjson.dumps(members).decode()

    def _members(self, row: Values) -> dict[str, Any]:
        given = (values.json_object(row.get(self._all)) if self._all else None) or {}
        return given | {
            name: self._typed(name, row.get(column)) for name, column in self.single.items()
        }

    def _typed(self, name: str, value: Any) -> Any:
        """Text as the type that the attribute is declared with."""
        if not self._is_text:
            return value
        try:
            return _CONVERTERS[self.kinds.get(name, attributes.STRING)](value)
        except BadValueError as exc:
            raise BadRowError(f"{ATTRIBUTE}{name} {exc}") from exc


def _strings(value: Any) -> list[str] | None:
    parts = [part.strip() for part in (values.text(value) or "").split("|")]
    return [part for part in parts if part] or None


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    attributes.STRING: values.text,
    attributes.NUMBER: values.number,
    attributes.BOOLEAN: values.boolean,
    attributes.STRINGS: _strings,
}
