"""What every embedder does."""

from collections.abc import Sequence
from typing import Protocol

from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Output, Role


class Embedder(Protocol):
    """Turns inputs into vectors. Safe to share between threads."""

    @property
    def spec(self) -> ModelSpec:
        """The model and its limits; known without loading it."""
        ...

    @property
    def output(self) -> Output:
        """What it makes of an input."""
        ...

    @property
    def instruction(self) -> str:
        """What the model is told a query is for; empty where it is told nothing."""
        ...

    def embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        """One vector for each input, in their order, of `spec.dimension` numbers.

        Raises:
            Unavailable: try again later.
            Rejected: an input, or the number of them, is one the model never takes.
            Misconfigured: the model cannot be used until a person changes something.
        """
        ...
