"""A space's template: how a product becomes the text that is embedded.

`{title}`, `{brand}`, `{category}`, `{description}` and `{attributes.NAME}` stand for the
product's fields. What is empty leaves no stray punctuation behind.
"""

import re

from recommender.spaces.staleness import StaleProduct

_FIELD = re.compile(r"\{([a-z_]+)(?:\.([^{}]+))?\}")
_TEXT_FIELDS = frozenset({"title", "brand", "category", "description"})


class TemplateError(ValueError):
    """A template names a field that products do not have."""


def check(template: str) -> None:
    """Raise TemplateError where the template has an unknown field or none at all."""
    fields = _FIELD.findall(template)
    for name, attribute in fields:
        if not (name in _TEXT_FIELDS and not attribute) and not (
            name == "attributes" and attribute
        ):
            allowed = ", ".join(sorted(_TEXT_FIELDS))
            raise TemplateError(
                f"{{{name}}} is no field of a product; use {allowed} or attributes.NAME."
            )
    if not fields:
        raise TemplateError("The template names no field of a product, so all would be alike.")


def render(template: str, product: StaleProduct) -> str:
    """The product's text; empty where the product has none of the template's fields."""

    def value(match: re.Match[str]) -> str:
        name, attribute = match.groups()
        found = product.attributes.get(attribute) if attribute else getattr(product, name)
        if isinstance(found, list):
            found = ", ".join(map(str, found))
        text = "" if found is None else str(found).strip()
        return text.replace("/", ", ") if name == "category" else text.rstrip(".")

    # Segment by segment, so that an empty field takes its own full stop with it.
    segments = (_FIELD.sub(value, segment).strip() for segment in template.split(". "))
    return ". ".join(segment for segment in segments if re.search(r"\w", segment))
