"""What of a product a space embeds: text by a template, pictures, or both and its video.

`{title}`, `{brand}`, `{category}`, `{description}` and `{attributes.NAME}` stand for the
product's fields. Sentences end with a full stop and a space. An empty field takes the text
between it and the field before, and brackets around it, with it; a sentence whose fields are all
empty is left out whole.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter

from embeddings.calls import long_text
from embeddings.calls.long_text import Policy, Treatment
from embeddings.spec import ModelSpec
from embeddings.types import Input, Modality
from recommender.models import Space
from recommender.spaces.plain_text import plain_text, plain_value, without_boilerplate
from recommender.spaces.staleness import StaleProduct

_FIELD = re.compile(r"\{([^{}]*)\}")
_TEXT_FIELDS = ("title", "brand", "category", "description")
_ATTRIBUTE = "attributes."

_SENTENCE_END = re.compile(r"\. (?![^{}]*\})")  # not one in the name of an attribute
# The text before a field, and the field, maybe in brackets.
_PIECE = re.compile(r"([^{}]*?)(\()?\{([^{}]*)\}(?(2)\))")
_SEPARATORS = " ,;:/|–—-"
_LETTER_OR_DIGIT = re.compile(r"\w")


_Read = Callable[[StaleProduct], object]


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The text before each field, the field and whether it is in brackets; then the last text."""

    pieces: tuple[tuple[str, _Read, bool], ...]
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
    written, is_empty = [], True
    for sentence in _sentences(template):
        text = _written(sentence, product)
        if text:
            written.append(text)
            is_empty = is_empty and not sentence.pieces
    return "" if is_empty else ". ".join(written)


@lru_cache(maxsize=256)
def _sentences(template: str) -> tuple[_Sentence, ...]:
    return tuple(map(_sentence, _SENTENCE_END.split(template)))


def _sentence(text: str) -> _Sentence:
    matches = list(_PIECE.finditer(text))
    pieces = tuple((piece[1], _reader(piece[3]), piece[2] is not None) for piece in matches)
    return _Sentence(pieces, text[matches[-1].end() :] if matches else text)


def _written(sentence: _Sentence, product: StaleProduct) -> str:
    text = ""
    for before, read, bracketed in sentence.pieces:
        if value := _value(read(product)):
            joint = before if text else before.lstrip(_SEPARATORS)
            text += f"{joint}({value})" if bracketed else f"{joint}{value}"
    return (text + sentence.end).strip() if text or not sentence.pieces else ""


def _reader(name: str) -> _Read:
    """What gets a field from a product."""
    if name == "category":
        return _path
    if name in _TEXT_FIELDS:
        return attrgetter(name)
    attribute = name.removeprefix(_ATTRIBUTE)
    return lambda product: product.attributes.get(attribute)


def _path(product: StaleProduct) -> list[str]:
    """The parts of its category."""
    return [part.strip() for part in product.category.split("/")] if product.category else []


def _value(value: object) -> str:
    """A field as text, without its full stop; empty where it has neither letter nor digit."""
    if not value and value != 0:
        return ""
    if isinstance(value, list):
        value = ", ".join(filter(None, map(str, value)))
    text = str(value).strip().rstrip(". ")
    return text if _LETTER_OR_DIGIT.search(text) else ""


@dataclass(frozen=True, slots=True)
class Content:
    """A product's inputs: none where it has nothing for the space, several for a split text."""

    inputs: tuple[Input, ...]
    treatment: Treatment | None = None


NOTHING = Content(())


def content(
    space: Space, spec: ModelSpec, product: StaleProduct, max_tokens: int | None = None
) -> Content:
    """What is embedded of a product in a space.

    Args:
        max_tokens: of a text, where the model takes less than its spec says.

    Raises:
        TooLong: the text is over the limit and the space rejects such.
        Rejected: it is not valid Unicode.
    """
    if space.kind == Space.Kind.IMAGE:
        pictures = tuple(product.image_urls[: spec.media.images if spec.media else 1])
        return Content((Input(images=pictures),)) if pictures else NOTHING
    text = _text(space, product)
    if space.kind == Space.Kind.MULTIMODAL:
        return _multimodal(space, spec, product, text, max_tokens)
    if not text:
        return NOTHING
    if long_text.is_short(text, spec, max_tokens):
        return Content((Input(text=text),))
    fitted = long_text.fit(text, spec, Policy(space.long_text), max_tokens)
    return Content(tuple(Input(text=part) for part in fitted.parts), fitted.treatment)


def _text(space: Space, product: StaleProduct) -> str:
    if not space.plain_text:
        return render(space.template, product)
    plain = _plain(product)
    if space.boilerplate:
        own = replace(
            plain, description=without_boilerplate(product.description, space.boilerplate)
        )
        # A product with nothing of its own is better found by what all say than not at all.
        if text := render(space.template, own):
            return text
    return render(space.template, plain)


def _plain(product: StaleProduct) -> StaleProduct:
    return replace(
        product,
        title=plain_text(product.title),
        description=plain_text(product.description),
        category=plain_text(product.category),
        brand=plain_text(product.brand),
        attributes={name: plain_value(value) for name, value in product.attributes.items()},
    )


def _multimodal(
    space: Space, spec: ModelSpec, product: StaleProduct, text: str, max_tokens: int | None
) -> Content:
    """The text with the first picture and the first video, as far as the model reads them.

    Of a split text the first part goes with them: they are embedded once.
    """
    pictures = tuple(product.image_urls[:1]) if Modality.IMAGE in spec.modalities else ()
    videos = product.video_urls[:1] if Modality.VIDEO in spec.modalities else []
    video = videos[0] if videos else ""
    if not text:
        seen = pictures or video
        return Content((Input(images=pictures, video=video),)) if seen else NOTHING
    fitted = long_text.fit(text, spec, Policy(space.long_text), max_tokens)
    first, *others = (Input(text=part) for part in fitted.parts)
    return Content((replace(first, images=pictures, video=video), *others), fitted.treatment)
