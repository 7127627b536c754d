"""The free attributes of an imported product."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from recommender.catalog import attributes
from recommender.importing import values
from recommender.importing.errors import BadRowError, BadValueError
from recommender.importing.mapping import ATTRIBUTE
from recommender.importing.row import Values

# Every request reads the declared attributes of its catalogue.
MAX_NAMES = 1_000


class AttributeReader:
    """Reads attributes from rows; the first value of one that is not declared gives its type.

    Attributes:
        kinds: type by name, of those declared and of those read.
        single: column by name of the attributes that have a column of their own.
    """

    def __init__(self, found: Mapping[str, str], declared: Mapping[str, str], is_text: bool):
        """`found`: columns by field. `is_text`: values are text, whatever they mean."""
        self.kinds = dict(declared)
        self.single = {
            field.removeprefix(ATTRIBUTE): column
            for field, column in found.items()
            if field.startswith(ATTRIBUTE)
        }
        self._all = found.get("attributes")
        self._is_text = is_text

    def read(self, row: Values) -> str | None:
        """The row's attributes as a JSON object; None where it has none.

        Raises:
            BadRowError: one does not have the type it has elsewhere, or no type at all.
        """
        found = _object(row.get(self._all)) if self._all else {}
        for name, column in self.single.items():
            found[name] = self._typed(name, row.get(column))
        found = {name: value for name, value in found.items() if value is not None}
        if not found:
            return None
        if reason := attributes.conflict(found, self.kinds):
            raise BadRowError(reason)
        return self._accept(found)

    def _typed(self, name: str, value: Any) -> Any:
        """Text as the type that the attribute is declared with."""
        if not self._is_text:
            return value
        try:
            return _CONVERTERS[self.kinds.get(name, attributes.STRING)](value)
        except BadValueError as exc:
            raise BadRowError(f"{ATTRIBUTE}{name} {exc}") from exc

    def _accept(self, found: dict[str, Any]) -> str:
        document = orjson.dumps(found)
        # An escaped backslash before u0000 is no NUL.
        if b"\\u0000" in document.replace(rb"\\", b""):
            raise BadRowError("attributes hold a NUL character")
        kinds = self.kinds | attributes.inferred(found)
        if len(kinds) > max(MAX_NAMES, len(self.kinds)):
            raise BadRowError(f"more than {MAX_NAMES:,} different attributes")
        self.kinds = kinds
        return document.decode()


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or the text of one."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value) if value.strip() else None
        except orjson.JSONDecodeError as exc:
            raise BadRowError("attributes is not a JSON object") from exc
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRowError("attributes is not a JSON object")
    return dict(value)


def _strings(value: Any) -> list[str] | None:
    found = [part.strip() for part in (values.text(value) or "").split("|")]
    return [part for part in found if part] or None


_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    attributes.STRING: values.text,
    attributes.NUMBER: values.number,
    attributes.BOOLEAN: values.boolean,
    attributes.STRINGS: _strings,
}
