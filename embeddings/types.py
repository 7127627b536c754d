"""What goes into an embedder and what comes out of it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Misconfigured, Rejected


class Role(StrEnum):
    """What a text is for; some models embed a question and its answer differently."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One row to embed.

    Raises:
        Rejected: the text is blank, or is not valid Unicode.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise Rejected("There is nothing to embed in a blank text; leave the row out.")
        try:
            self.text.encode()
        except UnicodeEncodeError as exc:
            raise Rejected(f"The text is not valid Unicode ({exc.reason}); correct it.") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model and its limits.

    `dimension` is the length of the vectors it is used at, one of `dimensions`. A call takes
    `max_rows` inputs at most, and of each the first `max_tokens` tokens count.
    """

    key: str
    dimension: int
    dimensions: tuple[int, ...]
    max_rows: int
    max_tokens: int

    def at(self, dimension: int | None) -> Self:
        """The same model at another dimension; None keeps this one.

        Raises:
            Misconfigured: the model does not give vectors of that dimension.
        """
        if dimension is None:
            return self
        if dimension not in self.dimensions:
            known = ", ".join(map(str, self.dimensions))
            raise Misconfigured(
                f"{self.key} does not give {dimension} dimensions; use one of: {known}."
            )
        return replace(self, dimension=dimension)

    def check_rows(self, count: int) -> None:
        """Refuse a call of more than `max_rows` inputs, as every hosted model does.

        Raises:
            Rejected: there are too many.
        """
        if count > self.max_rows:
            raise Rejected(
                f"{count} inputs in one call, but {self.key} takes {self.max_rows} at most; "
                "use embeddings.batching.embed_all."
            )


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call consumed."""

    tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """A call's answer: vectors of shape (inputs, dimension), float32, each of length one."""

    vectors: NDArray[np.float32]
    usage: Usage

    @classmethod
    def normalised(cls, vectors: NDArray[np.floating], usage: Usage) -> Self:
        """Scale vectors of shape (n, d) to length one.

        Raises:
            Rejected: a vector is zero or not finite, so that it points nowhere.
        """
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        lost = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
        if lost.size:
            raise Rejected(f"The model gave no usable vector for row {lost[0]}; leave it out.")
        return cls((vectors / lengths).astype(np.float32), usage)
