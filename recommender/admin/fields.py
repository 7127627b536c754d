"""Fields of forms: what is stored as JSON, one thing a line, and the formats of files."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import CharField

from recommender.catalog import values
from recommender.catalog.values import BadValueError
from recommender.importing.formats import Format


class AddressesField(CharField):
    """Addresses, one a line, as the API reads them."""

    def prepare_value(self, value: Any) -> Any:
        """A line for each address that is stored; what was typed stays as it was."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The addresses."""
        try:
            return values.urls(value) or []
        except BadValueError as exc:
            raise ValidationError(f"This {exc}; write one a line.") from exc


class WeightsField(CharField):
    """A weight for each type of event, one a line: `view: 1`."""

    def prepare_value(self, value: Any) -> Any:
        """A line for each type that is stored; what was typed stays as it was."""
        if not isinstance(value, dict):
            return value
        return "\n".join(f"{kind}: {weight:.12g}" for kind, weight in value.items())

    def to_python(self, value: Any) -> Any:
        """The weights by type."""
        lines = (value or "").splitlines()
        return dict(self._weight(line) for line in lines if line.strip())

    def _weight(self, line: str) -> tuple[str, float]:
        kind, _, weight = line.rpartition(":")
        try:
            name, number = values.identifier(kind), values.number(weight)
        except BadValueError:
            name = number = None
        if name is None or number is None:
            raise ValidationError(f"{line.strip()!r} is no type and weight; write view: 1.")
        return name, number


def format_choices(formats: Iterable[Format]) -> list[tuple[str, str]]:
    """The formats that a person may say a file is in, each once."""
    named = {one.name: f"{one.title[:1].upper()}{one.title[1:]}" for one in formats}
    return [
        ("auto", "Recognise it"),
        ("plain", "None: columns by the fields' names"),
        *named.items(),
    ]
