"""A space's template: how a product becomes the text that is embedded.

`{title}`, `{brand}`, `{category}`, `{description}` and `{attributes.NAME}` stand for the
product's fields. Sentences end with a full stop and a space. An empty field takes the text
between it and the field before, and brackets around it, with it; a sentence whose fields are all
empty is left out whole.
"""

import re
from collections.abc import Mapping

from recommender.spaces.staleness import StaleProduct

_FIELD = re.compile(r"\{([^{}]*)\}")
_TEXT_FIELDS = ("title", "brand", "category", "description")
_ATTRIBUTE = "attributes."

_SENTENCE_END = re.compile(r"\. (?![^{}]*\})")  # not one in the name of an attribute
# The text before a field, and the field, maybe in brackets.
_PIECE = re.compile(r"([^{}]*?)(\()?\{([^{}]*)\}(?(2)\))")
_SEPARATORS = " ,;:/|–—-"


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
    values = {name: _value(product, name) for name in _FIELD.findall(template)}
    if not any(values.values()):
        return ""
    sentences = (_sentence(text, values) for text in _SENTENCE_END.split(template))
    return ". ".join(filter(None, sentences))


def _sentence(text: str, values: Mapping[str, str]) -> str:
    written, end = "", 0
    for piece in _PIECE.finditer(text):
        before, bracket, name = piece.groups()
        end = piece.end()
        if value := values[name]:
            joint = before if written else before.lstrip(_SEPARATORS)
            written += f"{joint}({value})" if bracket else f"{joint}{value}"
    return (written + text[end:]).strip() if written or not end else ""


def _value(product: StaleProduct, name: str) -> str:
    """A field as text, without its full stop; empty where it has neither letter nor digit."""
    attribute = name.removeprefix(_ATTRIBUTE)
    found = product.attributes.get(attribute) if attribute != name else getattr(product, name)
    if name == "category":
        found = [part.strip() for part in product.category.split("/") if part.strip()]
    if isinstance(found, list):
        found = ", ".join(map(str, found))
    text = "" if found is None else str(found).strip().rstrip(". ")
    return text if re.search(r"\w", text) else ""
