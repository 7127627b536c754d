"""What a member of a request may hold: how it is read, as files are, and how OpenAPI says so."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from recommender.catalog import values
from recommender.catalog.values import BadValueError
from recommender.engine.answer import MAX_COUNT

Document = dict[str, Any]


def _read(reader: Callable[[Any], Any], absent: object = None) -> BeforeValidator:
    """What files are read with, too; `absent` stands for what is empty."""

    def read(value: Any) -> Any:
        given = reader(value)
        return absent if given is None else given

    return BeforeValidator(read)


def _required(reader: Callable[[Any], Any]) -> BeforeValidator:
    """The same of what must be there."""

    def read(value: Any) -> Any:
        given = reader(value)
        if given is None:
            raise BadValueError("is missing")
        return given

    return BeforeValidator(read)


def _any(*documents: Document) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": list(documents)})


def _string(**words: Any) -> Document:
    return {"type": "string"} | words


_NULL: Document = {"type": "null"}
_NUMBER: Document = {"type": "number"}
_EMPTY = _string(maxLength=0)
# No control character, and neither blank nor only dots.
_PLAIN = r"[^\u0000-\u001f\u007f-\u009f]"
ID_PATTERN = rf"^{_PLAIN}*[^\s.\u0000-\u001f\u007f-\u009f]{_PLAIN}*$"
_ID = _string(minLength=1, maxLength=values.MAX_ID, pattern=ID_PATTERN)
_MOMENTS: tuple[Document, ...] = (
    _string(format="date-time"),
    _string(format="date"),
    {
        "type": "integer",
        "minimum": int(values.LEAST_UNIX),
        "exclusiveMaximum": 253_402_300_800_000_000,
        "description": "Unix time in seconds, milliseconds or microseconds, by its size.",
    },
)
_URL = _string(maxLength=values.MAX_URL, pattern="^https?://")

# An id in an address is text alone.
PathId = Annotated[str, _required(values.identifier), WithJsonSchema(_ID)]
Id = Annotated[
    str,
    Field(min_length=1, max_length=values.MAX_ID),
    _required(values.identifier),
    _any(_ID, _NUMBER),
]
OptionalId = Annotated[
    str | None,
    Field(max_length=values.MAX_ID),
    _read(values.identifier),
    _any(_ID, _NUMBER, _EMPTY, _NULL),
]
Token = Annotated[
    str,
    Field(min_length=1, max_length=values.MAX_ID),
    _required(values.label),
    _any(
        _string(minLength=1, maxLength=values.MAX_ID, pattern=r"[^\s\u001c-\u001f\u0085]"), _NUMBER
    ),
]
EventType = Annotated[str, _read(values.identifier, ""), _any(_ID, _NUMBER)]
Text = Annotated[
    str,
    Field(max_length=values.MAX_TEXT),
    _read(values.text, ""),
    _any(_string(maxLength=values.MAX_TEXT), _NUMBER, _NULL),
]
# What is searched for, in characters.
MAX_QUERY = 500
_SEARCH_TEXT = _any(
    _string(minLength=1, maxLength=MAX_QUERY, pattern=r"[^\s\u001c-\u001f\u0085]"), _NUMBER
)
SearchText = Annotated[
    str,
    Field(min_length=1, max_length=MAX_QUERY),
    _required(values.label),
    _SEARCH_TEXT,
]
# The same where it may be left out, though not be nothing.
SearchTextIfAny = Annotated[
    str | None, Field(max_length=MAX_QUERY), _required(values.label), _SEARCH_TEXT
]
# An address, or the picture itself; left out, or there.
MAX_PICTURE = 14 << 20
_PICTURE = r"^(https?://|data:image/)"
Picture = Annotated[
    str | None,
    Field(strict=True, max_length=MAX_PICTURE, pattern=_PICTURE),
    _required(lambda value: value),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": MAX_PICTURE,
            "pattern": _PICTURE,
            "description": "The address of a picture, or `data:image/…;base64,…`. A browser key "
            "sends the picture itself.",
        }
    ),
]
OptionalText = Annotated[
    str | None,
    Field(max_length=MAX_QUERY),
    _read(values.label),
    _any(_string(maxLength=MAX_QUERY), _NUMBER, _NULL),
]
_LABEL = _any(_string(maxLength=values.MAX_LABEL), _NUMBER, _NULL)
Label = Annotated[str, Field(max_length=values.MAX_LABEL), _read(values.label, ""), _LABEL]
Path = Annotated[str, Field(max_length=values.MAX_LABEL), _read(values.path, ""), _LABEL]
Urls = Annotated[
    list[Annotated[str, Field(max_length=values.MAX_URL, pattern=r"^https?://")]],
    Field(max_length=values.MAX_URLS),
    _read(values.urls, []),
    _any(
        {
            "type": "array",
            "items": {"anyOf": [_URL, _EMPTY, _NULL]},
            "maxItems": values.MAX_URLS,
        },
        _string(
            maxLength=values.MAX_URL,
            pattern=r"^https?://[^\s|,\u0000-\u001f\u007f-\u00a0]*$",
            description="Or several, with blanks, | or commas between.",
        ),
        _EMPTY,
        _NULL,
    ),
]
Time = Annotated[datetime | None, _read(values.time), _any(*_MOMENTS, _EMPTY, _NULL)]
Moment = Annotated[datetime, _required(values.time), _any(*_MOMENTS)]
Number = Annotated[
    float | None,
    Field(allow_inf_nan=False),
    _read(values.number),
    _any(_NUMBER, _string(pattern=r"^([+-]?[0-9]{1,9}(\.[0-9]{1,9})?)?$"), _NULL),
]
Price = Annotated[
    float | None,
    Field(ge=0, lt=values.TOO_EXPENSIVE),
    _read(values.price),
    _any(
        {"type": "number", "minimum": 0, "exclusiveMaximum": values.TOO_EXPENSIVE},
        _string(pattern=r"^([0-9]{1,9}(\.[0-9]{1,4})?)?$"),
        _NULL,
    ),
]
Currency = Annotated[
    str,
    Field(pattern=r"^([A-Z]{3})?$"),
    _read(values.currency, ""),
    _any(_string(pattern=r"^([A-Za-z]{3})?$"), _NULL),
]
Stock = Annotated[
    bool,
    _read(values.stock, True),
    _any(
        {"type": "boolean"},
        _NUMBER,
        _string(pattern=r"^(-?[0-9]+(\.[0-9]+)?)?$", description="A quantity."),
        _string(
            enum=["yes", "no", "true", "false", "in stock", "out of stock", "preorder", "sold out"],
            description="Or another word of shops and feeds, in any case, or its schema.org URL.",
        ),
        _NULL,
    ),
]
Reference = Annotated[UUID | None, _read(values.uuid), _any(_string(format="uuid"), _EMPTY, _NULL)]

_FREE: Document = {
    "type": "object",
    "description": f"At most {values.MAX_ATTRIBUTES} that are not null.",
    # Null takes away what was stored before names had a limit.
    "patternProperties": {rf"^[\s\S]{{{values.MAX_NAME + 1},}}$": _NULL},
}
_PLACE: Document = {
    "type": "object",
    "properties": {
        "lat": {"type": "number", "minimum": -90, "maximum": 90},
        "lon": {"type": "number", "minimum": -180, "maximum": 180},
    },
    "required": ["lat", "lon"],
    "additionalProperties": False,
}
# What can be filtered by.
_TYPED = _FREE | {
    "additionalProperties": {
        "anyOf": [
            _string(),
            _NUMBER,
            {"type": "boolean"},
            {"type": "array", "items": _string()},
            _PLACE,
            _NULL,
        ]
    }
}
_read_attributes = _read(values.attributes, {})
_FEW = Field(max_length=values.MAX_ATTRIBUTES)
ProductAttributes = Annotated[dict[str, Any], _FEW, _read_attributes, _any(_TYPED, _EMPTY, _NULL)]
UserAttributes = Annotated[dict[str, Any], _FEW, _read_attributes, _any(_FREE, _EMPTY, _NULL)]
AttributeChanges = Annotated[
    dict[str, Any] | None, _read(values.attribute_changes), _any(_TYPED, _EMPTY, _NULL)
]


def _whole(value: Any) -> Any:
    """JSON has one type of number: 3.0 is a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


AS_WHOLE = BeforeValidator(_whole)
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT), AS_WHOLE]


# What a request may take: less does not suffice for anything, more is what the service gives each.
_LEAST_MILLISECONDS, _MOST_MILLISECONDS = 10, 60_000
_OF_A_REQUEST = Field(ge=_LEAST_MILLISECONDS, le=_MOST_MILLISECONDS)
Milliseconds = Annotated[int, Field(strict=True), _OF_A_REQUEST, AS_WHOLE]
MillisecondsParameter = Annotated[
    int | None,
    _OF_A_REQUEST,
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": _LEAST_MILLISECONDS,
            "maximum": _MOST_MILLISECONDS,
            "description": "What may not run in so long is left out, and `degraded` says so.",
        }
    ),
]


def _flag(value: Any) -> Any:
    """A query parameter that is true or false; pydantic takes `on`, `y` and the like, too."""
    flags = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, str) and value.lower() not in flags:
        raise BadValueError("is neither true nor false")
    return flags[value.lower()] if isinstance(value, str) else value


Flag = Annotated[
    bool,
    BeforeValidator(_flag),
    _any({"type": "boolean"}, {"type": "integer", "enum": [0, 1]}),
]
TimeParameter = Annotated[datetime | None, _read(values.time), _any(*_MOMENTS, _EMPTY)]
