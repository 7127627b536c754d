"""What goes into an embedder and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Rejected


class Role(StrEnum):
    """What an input is for; some models embed a question and its answer differently."""

    QUERY = "query"
    DOCUMENT = "document"


class Modality(StrEnum):
    """What a model reads."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"


class Output(StrEnum):
    """What is made of an input: numbers for every dimension, weights of tokens, or both."""

    DENSE = "dense"
    SPARSE = "sparse"
    BOTH = "dense&sparse"

    @property
    def is_dense(self) -> bool:
        """Whether a dense vector is asked for."""
        return self is not Output.SPARSE

    @property
    def is_sparse(self) -> bool:
        """Whether a sparse vector is asked for."""
        return self is not Output.DENSE


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One row to embed: a text, pictures, a video, or several of them that make one vector.

    An image is an http(s) address or a `data:image/…;base64,…` URI; a video is an address.

    Raises:
        Rejected: there is nothing in it, or its text is not valid Unicode.
    """

    text: str = ""
    images: tuple[str, ...] = ()
    video: str = ""

    def __post_init__(self) -> None:
        if not (self.text.strip() or self.images or self.video):
            raise Rejected("There is nothing to embed in a blank text; leave the row out.")
        try:
            self.text.encode()
        except UnicodeEncodeError as exc:
            raise Rejected(f"The text is not valid Unicode ({exc.reason}); correct it.") from exc

    @property
    def modalities(self) -> frozenset[Modality]:
        """What kinds of content it holds."""
        held = {
            Modality.TEXT: bool(self.text.strip()),
            Modality.IMAGE: bool(self.images),
            Modality.VIDEO: bool(self.video),
        }
        return frozenset(modality for modality, is_there in held.items() if is_there)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Weights of tokens: `indices` ascending and from 0, `values` beside them.

    `tokens` are the texts behind the indices, where the model gives them, else empty.
    """

    indices: tuple[int, ...]
    values: tuple[float, ...]
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call consumed; `details` are the counts a model gives beside tokens, as it names
    them (`image_count`, `duration` in seconds …)."""

    tokens: int
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What can be used of an answer that is not what was asked for, and was paid for.

    Attributes:
        places: of the call's inputs, those whose vectors are in `embeddings`, whose usage is the
            whole call's.
    """

    places: tuple[int, ...]
    embeddings: "Embeddings"

    @classmethod
    def of_nothing(cls, usage: Usage) -> Self:
        """Nothing of it can be used."""
        return cls((), Embeddings(np.empty((0, 0), np.float32), usage))


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """A call's answer, in the order of its inputs.

    `vectors` has shape (inputs, dimension), float32, each of length one; shape (inputs, 0) where
    only sparse vectors were asked for. `sparse` is empty where only dense ones were.
    """

    vectors: NDArray[np.float32]
    usage: Usage
    sparse: tuple[SparseVector, ...] = ()

    @classmethod
    def normalised(
        cls,
        vectors: NDArray[np.floating],
        usage: Usage,
        sparse: tuple[SparseVector, ...] = (),
    ) -> Self:
        """Scale vectors of shape (n, d) to length one.

        Raises:
            Rejected: a vector is zero or not finite, so that it points nowhere.
        """
        if vectors.shape[1] == 0:
            return cls(vectors.astype(np.float32), usage, sparse)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        lost = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
        if lost.size:
            raise Rejected(f"The model gave no usable vector for row {lost[0]}; leave it out.")
        return cls((vectors / lengths).astype(np.float32), usage, sparse)
