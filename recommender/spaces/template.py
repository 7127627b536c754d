"""A space's template: how a product becomes the text that is embedded.

`{title}`, `{brand}`, `{category}`, `{description}` and `{attributes.NAME}` stand for the
product's fields. Sentences end with a full stop and a space. An empty field takes the text
between it and the field before, and brackets around it, with it; a sentence whose fields are all
empty is left out whole.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from recommender.spaces.staleness import StaleProduct

_FIELD = re.compile(r"\{([^{}]*)\}")
_TEXT_FIELDS = ("title", "brand", "category", "description")
_ATTRIBUTE = "attributes."

_SENTENCE_END = re.compile(r"\. (?![^{}]*\})")  # not one in the name of an attribute
# The text before a field, and the field, maybe in brackets.
_PIECE = re.compile(r"([^{}]*?)(\()?\{([^{}]*)\}(?(2)\))")
_SEPARATORS = " ,;:/|–—-"
_LETTER_OR_DIGIT = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The text before each field, the field and whether it is in brackets; then the last text."""

    pieces: tuple[tuple[str, str, bool], ...]
    end: str


class TemplateError(ValueError):
    """A template names a field that products do not have."""


def check(template: str) -> None:
    """Raise TemplateError where the template has an unknown field or none at all."""
    fields = _FIELD.findall(template)
    for name in fields:
        if name not in _TEXT_FIELDS and name.removeprefix(_ATTRIBUTE) in ("", name):
            allowed = ", ".join(_TEXT_FIELDS)
            raise TemplateError(
                f"{{{name}}} is no field of a product; use {allowed} or attributes.NAME."
            )
    if not fields:
        raise TemplateError("The template names no field of a product, so all would be alike.")


def render(template: str, product: StaleProduct) -> str:
    """The product's text; empty where the product has none of the template's fields."""
    fields, sentences = _parsed(template)
    values = {name: _value(product, name) for name in fields}
    if not any(values.values()):
        return ""
    written = [_written(sentence, values) for sentence in sentences]
    return ". ".join(filter(None, written))


@lru_cache(maxsize=256)
def _parsed(template: str) -> tuple[tuple[str, ...], tuple[_Sentence, ...]]:
    """A template's fields and sentences."""
    sentences = tuple(map(_sentence, _SENTENCE_END.split(template)))
    return tuple(_FIELD.findall(template)), sentences


def _sentence(text: str) -> _Sentence:
    found = list(_PIECE.finditer(text))
    pieces = (
        (before, name, bool(bracket)) for before, bracket, name in (p.groups() for p in found)
    )
    return _Sentence(tuple(pieces), text[found[-1].end() :] if found else text)


def _written(sentence: _Sentence, values: Mapping[str, str]) -> str:
    text = ""
    for before, name, bracketed in sentence.pieces:
        if value := values[name]:
            joint = before if text else before.lstrip(_SEPARATORS)
            text += f"{joint}({value})" if bracketed else f"{joint}{value}"
    return (text + sentence.end).strip() if text or not sentence.pieces else ""


def _value(product: StaleProduct, name: str) -> str:
    """A field as text, without its full stop; empty where it has neither letter nor digit."""
    if name in _TEXT_FIELDS:
        found = getattr(product, name)
        if not found:
            return ""
        if name == "category":
            found = [part.strip() for part in found.split("/") if part.strip()]
    else:
        found = product.attributes.get(name.removeprefix(_ATTRIBUTE))
    if isinstance(found, list):
        found = ", ".join(map(str, found))
    text = "" if found is None else str(found).strip().rstrip(". ")
    return text if _LETTER_OR_DIGIT.search(text) else ""
