"""A call as a value: what is sent, and as what the answer is read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, whose answer is a `T`.

    Attributes:
        path: with its ids encoded.
        query: what stands after the `?`.
        body: JSON; None where there is none.
        may_repeat: whether to send it twice is as to send it once.
    """

    method: str
    path: str
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    may_repeat: bool = True


def get(path: str, given: Mapping[str, Any] | None = None) -> Call[Any]:
    """A GET below `/v1`; what is None is left out."""
    query = {name: _parameter(value) for name, value in (given or {}).items() if value is not None}
    return Call("GET", f"/v1{path}", query)


def send(method: str, path: str, body: object, *, may_repeat: bool = True) -> Call[Any]:
    """A call below `/v1` with a body."""
    return Call(method, f"/v1{path}", body=encode(body), may_repeat=may_repeat)


def in_path(value: str) -> str:
    """An id as an address holds it.

    Raises:
        ValueError: it is empty.
    """
    if not value:
        raise ValueError("an id is not empty")
    return quote(value, safe="")


def encode(value: object) -> bytes:
    """JSON as the service reads it.

    Raises:
        TypeError: what JSON has no form for; ValueError: a number that is none, such as NaN.
    """
    return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _parameter(value: object) -> str:
    """A value as a query has it: names with commas between, all else that is no text as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Sequence) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    return encode(value).decode()
