"""A model as data: what it takes, what it gives, what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from embeddings.errors import Misconfigured, Rejected
from embeddings.types import Input, Modality, Output

TEXT_ONLY = frozenset({Modality.TEXT})
EVERYTHING = frozenset(Modality)


class Fusion(StrEnum):
    """Whether a model makes one vector of several kinds of content.

    Where it does not, the parts are embedded each and the vectors averaged.
    """

    NEVER = "never"
    ON_REQUEST = "on_request"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """How large a picture or a video may be, in bytes, and in which formats (lower case)."""

    image_bytes: int
    image_formats: frozenset[str]
    images: int = 1
    video_bytes: int = 0
    video_formats: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model and its limits.

    `dimension` is the length of the vectors it is used at, one of `dimensions`; where that is
    empty, any length will do. A call takes `max_rows` inputs and `max_call_tokens` tokens at
    most, a row `max_tokens`. `price` is in US dollars for a million tokens. `provider` answers
    for it: models of one provider share its outage; a limit a minute is the model's own. One
    that `needs_alignment` works only with a map learnt from a catalog.
    """

    key: str
    dimension: int
    dimensions: tuple[int, ...]
    max_rows: int
    max_tokens: int
    max_call_tokens: int | None = None
    modalities: frozenset[Modality] = TEXT_ONLY
    media: MediaLimits | None = None
    fusion: Fusion = Fusion.NEVER
    has_sparse: bool = False
    has_instruction: bool = False
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    price: float = 0.0
    provider: str = "local"
    is_hosted: bool = False
    needs_alignment: bool = False

    def at(self, dimension: int | None) -> Self:
        """The same model at another dimension; None keeps this one.

        Raises:
            Misconfigured: the model does not give vectors of that dimension.
        """
        if dimension is None:
            return self
        if dimension < 1 or (self.dimensions and dimension not in self.dimensions):
            known = ", ".join(map(str, self.dimensions)) or "1 or more"
            raise Misconfigured(
                f"{self.key} does not give {dimension} dimensions; use one of: {known}."
            )
        return replace(self, dimension=dimension)

    def check_output(self, output: Output, instruction: str = "") -> None:
        """Refuse an output or an instruction that the model does not know.

        Raises:
            Misconfigured: it has no sparse vectors, or takes no instruction.
        """
        if output.is_sparse and not self.has_sparse:
            raise Misconfigured(f"{self.key} gives no sparse vectors; ask for dense ones.")
        if instruction and not self.has_instruction:
            raise Misconfigured(f"{self.key} takes no instruction; leave it out.")

    def check(self, inputs: Sequence[Input]) -> None:
        """Refuse what every call of this model must refuse.

        Raises:
            Rejected: there are too many inputs, or one of a kind that the model does not read.
        """
        self.check_rows(len(inputs))
        for row, source in enumerate(inputs):
            unread = source.modalities - self.modalities
            if unread:
                raise Rejected(
                    f"Row {row} holds {', '.join(sorted(unread))}, but {self.key} reads "
                    f"{', '.join(sorted(self.modalities))} only."
                )

    def check_rows(self, count: int) -> None:
        """Refuse a call of more than `max_rows` inputs, as every hosted model does.

        Raises:
            Rejected: there are too many.
        """
        if count > self.max_rows:
            raise Rejected(
                f"{count} inputs in one call, but {self.key} takes {self.max_rows} at most; "
                "use embeddings.calls.embedding.embed_rows."
            )

    def cost(self, tokens: int) -> float:
        """What so many tokens cost, in US dollars."""
        return tokens * self.price / 1_000_000
