"""Which column gives which field: `--map field=column`, or else the column of the field's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.importing.row import RefusedError


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file.

    Attributes:
        names: of a CSV file its header; of JSON Lines the members seen in its first lines.
        complete: whether there can be no others.
    """

    names: tuple[str, ...]
    complete: bool

    def require(self, name: str, wanted_by: str) -> None:
        """Check that there is one column of a name.

        Raises:
            RefusedError: there is none, or several.
        """
        if name not in self.names:
            raise RefusedError(f"There is no column {name!r} ({wanted_by}). {self.listing()}")
        if self.names.count(name) > 1:
            raise RefusedError(
                f"{self.names.count(name)} columns are called {name!r} ({wanted_by}). "
                "Rename all but one in the file's first line."
            )

    def listing(self) -> str:
        """A sentence that names them."""
        names = ", ".join(name or "''" for name in self.names)
        hint = " Is its first line a header?" if self.complete else ""
        return f"The file's columns are: {names}.{hint}"


# The fields, and the columns that give each where it is not mapped; the last has the API's name.
Fields = Mapping[str, tuple[str, ...]]

PRODUCT_FIELDS: Fields = {
    "id": ("id",),
    "title": ("title",),
    "description": ("description",),
    "category": ("category",),
    "brand": ("brand",),
    "price": ("price",),
    "currency": ("currency",),
    "in_stock": ("in_stock",),
    "image_urls": ("image_url", "image_urls"),
    "video_urls": ("video_url", "video_urls"),
    "released_at": ("released_at",),
    "attributes": ("attributes",),
}
EVENT_FIELDS: Fields = {
    "event_id": ("event_id", "id"),
    "user": ("user",),
    "product": ("product",),
    "type": ("type",),
    "at": ("at",),
    "quantity": ("quantity",),
    "value": ("value",),
    "order": ("order",),
    "rec_id": ("rec_id",),
}
ATTRIBUTE = "attributes."

_ALIASES = {name: field for field, names in PRODUCT_FIELDS.items() for name in names}


def parse(given: Sequence[str]) -> dict[str, str]:
    """Columns by field, from words like `price=UnitPrice`; fields of products and of events.

    Raises:
        RefusedError: a word is not of that form, names an unknown field, or one twice.
    """
    columns_by_field: dict[str, str] = {}
    for word in given:
        name, _, column = word.partition("=")
        if not column:
            raise RefusedError(f"--map {word}: write field=column, such as price=UnitPrice.")
        field = _ALIASES.get(name, name)
        if not _is_known(field):
            known = ", ".join(dict.fromkeys([*PRODUCT_FIELDS, *EVENT_FIELDS]))
            raise RefusedError(
                f"--map {word}: there is no field {name!r}. Fields: {known}, {ATTRIBUTE}NAME."
            )
        if columns_by_field.setdefault(field, column) != column:
            raise RefusedError(
                f"--map gives {field!r} twice: {columns_by_field[field]} and {column}."
            )
    return columns_by_field


def resolve(given: Mapping[str, str], columns: Columns, fields: Fields) -> dict[str, str]:
    """The column of each of these fields that has one; no column serves two unless mapped to both.

    Raises:
        RefusedError: a column that is given is not there, or is there twice.
    """
    columns_by_field = {field: column for field, column in given.items() if field in fields}
    mapped = set(columns_by_field.values())
    for field, names in fields.items():
        free = [name for name in names if name not in mapped]
        seen = [name for name in free if name in columns.names]
        if field not in columns_by_field and (seen or (free and not columns.complete)):
            columns_by_field[field] = seen[0] if seen else free[-1]
    for field, column in columns_by_field.items():
        if field in given or column in columns.names:
            columns.require(column, f"--map {field}={column}")
    return columns_by_field


def require(
    columns_by_field: Mapping[str, str], field: str, columns: Columns, meaning: str
) -> None:
    """Check that the file shows a field's column.

    Raises:
        RefusedError: it does not.
    """
    if columns_by_field.get(field) not in columns.names:
        raise RefusedError(
            f"Nothing gives {meaning}. Say which column does: --map {field}=COLUMN. "
            f"{columns.listing()}"
        )


def attributes(given: Mapping[str, str], columns: Columns) -> Fields:
    """The single attributes that are mapped or have a column, as `attributes.NAME`."""
    names = dict.fromkeys([*given, *columns.names])
    return {name: (name,) for name in names if is_attribute(name)}


def is_attribute(field: str) -> bool:
    """Whether a field is a single attribute, `attributes.NAME`."""
    return field.startswith(ATTRIBUTE) and field != ATTRIBUTE


def _is_known(field: str) -> bool:
    return field in PRODUCT_FIELDS or field in EVENT_FIELDS or is_attribute(field)
