"""What of a product a space embeds: its text, its pictures, or both and its video."""

from dataclasses import dataclass, replace

from embeddings.calls import long_text
from embeddings.calls.long_text import Policy, Treatment
from embeddings.spec import ModelSpec
from embeddings.types import Input, Modality
from recommender.models import Space
from recommender.spaces import template
from recommender.spaces.staleness import StaleProduct


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
    text = template.render(space.template, product)
    if space.kind == Space.Kind.MULTIMODAL:
        return _multimodal(space, spec, product, text, max_tokens)
    if not text:
        return NOTHING
    if long_text.is_short(text, spec, max_tokens):
        return Content((Input(text=text),))
    fitted = long_text.fit(text, spec, Policy(space.long_text), max_tokens)
    return Content(tuple(Input(text=part) for part in fitted.parts), fitted.treatment)


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
