"""What gives each field: `--map field=column`, a format, or the column of the field's name."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recommender.importing.row import RefusedError, Row, Values


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file.

    Attributes:
        names: of a CSV file its header; of JSON Lines the members seen in its first lines.
        complete: whether there can be no others.
        are_text: whether every value is text, whatever it means, as in CSV.
    """

    names: tuple[str, ...]
    complete: bool
    are_text: bool = False

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


@dataclass(frozen=True, slots=True)
class Read:
    """How a field is read from a row.

    Attributes:
        columns: that it is read from; the first that the file has shows that it has the field.
        value: from the row to the field's value, as the field's reader takes it.
        each: a column that holds a list, of which every member is a row of its own; or None.
    """

    columns: tuple[str, ...]
    value: Callable[[Values], Any]
    each: str | None = None


_STEP = re.compile(r"([^\[\]]+)(?:\[(\d*)\])?")
_EACH = "{}[]"  # the column of the member, in a row that was made of one member


def column(name: str) -> Read:
    """The value of one column."""
    return Read((name,), lambda values: values.get(name))


def path(written: str, *, each: bool = False) -> Read:
    """The value at a path into nested values: `brand.name`, `images[0].url`, `items[].id`.

    Args:
        written: members with dots between; `[]` after a name stands for all members of a list,
            `[0]` for its first.
        each: make of the members of the first list a row each, rather than a list of values.

    Raises:
        RefusedError: it is no such path.
    """
    steps = [_STEP.fullmatch(step) for step in written.split(".")]
    parts = [(step[1], step[2]) for step in steps if step]
    if len(parts) < len(steps):
        raise RefusedError(f"{written}: write a path such as items[].item_id or images[0].url.")
    root = parts[0][0]
    if each and parts[0][1] == "":
        member, rest = _EACH.format(root), parts[1:]
        return Read((root,), lambda values: _walk(values.get(member), rest), each=root)
    return Read((root,), lambda values: _walk(values, parts))


def is_path(name: str) -> bool:
    """Whether a column's name can be a path into nested values."""
    return "." in name or name.endswith("]")


def _walk(value: Any, parts: Sequence[tuple[str, str | None]]) -> Any:
    for position, (name, index) in enumerate(parts):
        value = value.get(name) if isinstance(value, dict) else None
        if index is None:
            continue
        members = value if isinstance(value, list) else []
        if index == "":
            values = [_walk(member, parts[position + 1 :]) for member in members]
            return [member for member in values if member is not None]
        value = members[int(index)] if int(index) < len(members) else None
    return value


def exploded(rows: Iterator[Row], name: str) -> Iterator[Row]:
    """The rows, with one for each member of a list in place of the row that has the list."""
    member = _EACH.format(name)
    for row in rows:
        members = row.values.get(name)
        for value in members if isinstance(members, list) and members else [None]:
            yield replace(row, values={**row.values, member: value})


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
    "query": ("query",),
}
ATTRIBUTE = "attributes."

_ALIASES = {name: field for field, names in PRODUCT_FIELDS.items() for name in names}


def parse(given: Sequence[str]) -> dict[str, str]:
    """Columns by field, from words like `price=UnitPrice`; fields of products and of events.

    An empty column, `price=`, says that the field is not read.

    Raises:
        RefusedError: a word is not of that form, names an unknown field, or one twice.
    """
    columns_by_field: dict[str, str] = {}
    for word in given:
        name, sign, column_name = word.partition("=")
        if not sign:
            raise RefusedError(f"--map {word}: write field=column, such as price=UnitPrice.")
        field = _ALIASES.get(name, name)
        if not _is_known(field):
            known = ", ".join(dict.fromkeys([*PRODUCT_FIELDS, *EVENT_FIELDS]))
            raise RefusedError(
                f"--map {word}: there is no field {name!r}. Fields: {known}, {ATTRIBUTE}NAME."
            )
        if columns_by_field.setdefault(field, column_name) != column_name:
            raise RefusedError(
                f"--map gives {field!r} twice: {columns_by_field[field]} and {column_name}."
            )
    return columns_by_field


def resolve(
    given: Mapping[str, str],
    columns: Columns,
    fields: Fields,
    known: Mapping[str, Read] | None = None,
    *,
    each: bool = False,
) -> dict[str, Read]:
    """How each of these fields is read that the file has.

    A column serves two fields only where it is mapped to both.

    Args:
        given: columns by field, from --map.
        columns: of the file.
        fields: columns by field, where neither --map nor the format says more.
        known: of the file's format; where there is one, no other column is taken.
        each: whether the members of a list become a row each.

    Raises:
        RefusedError: a column that is given is not there, or is there twice.
    """
    asked = {field: name for field, name in given.items() if field in fields}
    reads = {field: _mapped(field, name, columns, each) for field, name in asked.items() if name}
    if known is not None:
        return reads | {field: read for field, read in known.items() if field not in asked}
    for field, names in fields.items():
        free = [name for name in names if name not in asked.values()]
        seen = [name for name in free if name in columns.names]
        if field in asked or not (seen or (free and not columns.complete)):
            continue
        if seen:
            columns.require(seen[0], f"--map {field}={seen[0]}")
        reads[field] = column(seen[0] if seen else free[-1])
    return reads


def _mapped(field: str, name: str, columns: Columns, each: bool) -> Read:
    if name in columns.names or not is_path(name):
        columns.require(name, f"--map {field}={name}")
        return column(name)
    read = path(name, each=each)
    columns.require(read.columns[0], f"--map {field}={name}")
    return read


def each_of(reads: Iterable[Read]) -> str | None:
    """The column with a list of which every member is a row; None where there is none.

    Raises:
        RefusedError: there are several.
    """
    names = {read.each for read in reads if read.each}
    if len(names) > 1:
        raise RefusedError(
            f"Of {' and '.join(sorted(names))} only one can give a row for each of its members."
        )
    return names.pop() if names else None


def is_shown(read: Read | None, columns: Columns) -> bool:
    """Whether the file has a column that a field is read from."""
    return read is not None and any(name in columns.names for name in read.columns)


def shown(reads: Mapping[str, Read], columns: Columns) -> Mapping[str, Sequence[str]]:
    """The columns that the file has of each field that is read from any."""
    there = {
        field: [name for name in read.columns if name in columns.names]
        for field, read in reads.items()
    }
    return {field: names for field, names in there.items() if names}


def require(reads: Mapping[str, Read], field: str, columns: Columns, meaning: str) -> None:
    """Check that the file shows a field.

    Raises:
        RefusedError: it does not.
    """
    if not is_shown(reads.get(field), columns):
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
