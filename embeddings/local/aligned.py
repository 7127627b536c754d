"""Texts and pictures in one space, without a model that was trained on both.

Texts get the text model's vectors; pictures are mapped to them by what a catalog's own pairs of
picture and title teach (`embeddings.local.alignment`).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embeddings.base import BaseEmbedder, Embedder
from embeddings.local import image_model, wordllama
from embeddings.local.alignment import Alignment
from embeddings.local.image import LocalImageEmbedder
from embeddings.local.text import LocalEmbedder
from embeddings.spec import Fusion, ModelSpec
from embeddings.types import Embeddings, Input, Modality, Role, Usage

SPEC = ModelSpec(
    key="efficientnet-lite0-text",
    dimension=wordllama.SPEC.dimension,
    dimensions=wordllama.SPEC.dimensions,
    max_rows=image_model.SPEC.max_rows,
    max_tokens=wordllama.SPEC.max_tokens,
    modalities=image_model.SPEC.modalities | {Modality.TEXT},
    media=image_model.MEDIA,
    fusion=Fusion.ALWAYS,
    needs_alignment=True,
)


class AlignedEmbedder(BaseEmbedder):
    """An embedder of texts, pictures and videos in the text model's space.

    The vector of an input with both is the mean of the two.
    """

    def __init__(self, image: Embedder, text: Embedder, alignment: Alignment) -> None:
        """`alignment` maps what `image` gives to what `text` gives.

        Raises:
            Misconfigured: it was learnt for no dimension of the text model.
        """
        super().__init__(SPEC.at(alignment.dimension))
        self._image = image
        self._text = text
        self._alignment = alignment

    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        with_text = [row for row, source in enumerate(inputs) if source.text.strip()]
        with_media = [row for row, source in enumerate(inputs) if source.images or source.video]
        texts = self._text.embed([Input(text=inputs[row].text) for row in with_text], role)
        media = self._image.embed([replace(inputs[row], text="") for row in with_media], role)
        sums = np.zeros((len(inputs), self.spec.dimension), np.float32)
        sums[with_text] = texts.vectors
        sums[with_media] += self._alignment.apply(media.vectors)
        return Embeddings.normalised(sums, Usage(texts.usage.tokens, media.usage.details))


def aligned(alignment: bytes, *, allowed_hosts: frozenset[str] = frozenset()) -> AlignedEmbedder:
    """The embedder with what a catalog has taught, as `Alignment.to_bytes` stored it.

    Args:
        allowed_hosts: of pictures; names, in lower case, that need not be on the public internet.

    Raises:
        Misconfigured: `alignment` is damaged.
    """
    learnt = Alignment.from_bytes(alignment)
    text = LocalEmbedder(wordllama.SPEC.at(learnt.dimension), wordllama.load)
    return AlignedEmbedder(LocalImageEmbedder(allowed_hosts=allowed_hosts), text, learnt)
