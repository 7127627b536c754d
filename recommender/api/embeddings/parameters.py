"""Members of a request, in every spelling that the vendor's own examples use."""

from enum import StrEnum
from typing import Any, TypeVar

from recommender.api.embeddings.endpoint import Body
from recommender.api.embeddings.errors import Failure, invalid

Choice = TypeVar("Choice", bound=StrEnum)


def model_key(body: Body) -> str:
    """The model that is asked for."""
    key = body.get("model")
    if key is None or key == "":
        message = 'Required parameter "model" missing from request.'
        raise Failure(400, "BadRequest.EmptyModel", message)
    if not isinstance(key, str):
        raise invalid("model is not a string.")
    return key


def section(body: Body, name: str) -> Body:
    """A member that is an object; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} is not a JSON object.")
    return value


def dimension(body: Body) -> int | None:
    """`dimension` or `dimensions`, a whole number or the text of one; None where neither is."""
    value = body.get("dimension", body.get("dimensions"))
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise invalid(f"dimension is not a whole number: {value!r:.50}.")


def choice(body: Body, name: str, default: Choice) -> Choice:
    """One of the values that the default's enumeration has."""
    value: Any = body.get(name)
    if value is None:
        return default
    try:
        return type(default)(value)
    except ValueError as exc:
        known = ", ".join(type(default))
        raise invalid(f"{name} is {value!r:.50}; use one of: {known}.") from exc


def flag(body: Body, name: str) -> bool:
    """A yes or no; absent and null are no."""
    value = body.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid(f"{name} is neither true nor false.")
    return value


def text(body: Body, name: str) -> str:
    """A text; absent and null are an empty one."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name} is not a string.")
    return value
