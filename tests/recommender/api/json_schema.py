"""As much of JSON Schema as the OpenAPI document uses; what it does not know is an error."""

import re
from collections.abc import Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_ANNOTATIONS = {
    "title", "description", "default", "deprecated", "format", "examples", "$defs",
}  # fmt: skip


def faults(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, each with its place."""
    return list(_faults(value, schema, document, "$"))


def _faults(value: Any, schema: Any, document: Any, at: str) -> list[str]:
    found: list[str] = []
    for word, expected in schema.items():
        if word in _ANNOTATIONS:
            continue
        found += _CHECKS[word](value, expected, schema, document, at)
    return found


def _type(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    is_number = isinstance(value, bool) and expected in ("integer", "number")
    fits = isinstance(value, _TYPES[expected]) and not is_number
    return [] if fits else [f"{at}: {value!r} is no {expected}"]


def _ref(value: Any, expected: str, schema: Any, document: Any, at: str) -> list[str]:
    target = document
    for step in expected.removeprefix("#/").split("/"):
        target = target[step]
    return _faults(value, target, document, at)


def _any_of(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    attempts = [_faults(value, option, document, at) for option in expected]
    return [] if not all(attempts) else [f"{at}: none fits: {attempts}"]


def _properties(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return []
    return [
        fault
        for name, inner in expected.items()
        if name in value
        for fault in _faults(value[name], inner, document, f"{at}.{name}")
    ]


def _additional(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    if not isinstance(value, dict) or expected is True:
        return []
    others = value.keys() - schema.get("properties", {}).keys()
    if expected is False:
        return [f"{at}: {name} is unknown" for name in sorted(others)]
    return [
        fault
        for name in others
        for fault in _faults(value[name], expected, document, f"{at}.{name}")
    ]


def _matching(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    members = value.items() if isinstance(value, dict) else ()
    return [
        fault
        for name, member in members
        for pattern, inner in expected.items()
        if re.search(pattern, name)
        for fault in _faults(member, inner, document, f"{at}.{name}")
    ]


def _names(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    names = value if isinstance(value, dict) else ()
    return [fault for name in names for fault in _faults(name, expected, document, at)]


def _items(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
    if not isinstance(value, list):
        return []
    return [
        fault
        for place, one in enumerate(value)
        for fault in _faults(one, expected, document, f"{at}[{place}]")
    ]


def _holds(test: Any) -> Any:
    def check(value: Any, expected: Any, schema: Any, document: Any, at: str) -> list[str]:
        return [] if test(value, expected) else [f"{at}: {value!r} against {expected!r}"]

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: Mapping[str, Any] = {
    "type": _type,
    "$ref": _ref,
    "anyOf": _any_of,
    "oneOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "patternProperties": _matching,
    "propertyNames": _names,
    "items": _items,
    "required": _holds(lambda v, e: not isinstance(v, dict) or v.keys() >= set(e)),
    "enum": _holds(lambda v, e: v in e),
    "pattern": _holds(lambda v, e: not isinstance(v, str) or re.search(e, v)),
    "minLength": _holds(lambda v, e: not isinstance(v, str) or len(v) >= e),
    "maxLength": _holds(lambda v, e: not isinstance(v, str) or len(v) <= e),
    "minimum": _holds(lambda v, e: not _is_number(v) or v >= e),
    "maximum": _holds(lambda v, e: not _is_number(v) or v <= e),
    "exclusiveMinimum": _holds(lambda v, e: not _is_number(v) or v > e),
    "exclusiveMaximum": _holds(lambda v, e: not _is_number(v) or v < e),
    "minItems": _holds(lambda v, e: not isinstance(v, list) or len(v) >= e),
    "maxItems": _holds(lambda v, e: not isinstance(v, list) or len(v) <= e),
    "maxProperties": _holds(lambda v, e: not isinstance(v, dict) or len(v) <= e),
}
