"""What every embedder does."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Output, Role, Usage


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


class BaseEmbedder(ABC):
    """An `Embedder` that answers what needs no model; `_embed` makes the vectors."""

    def __init__(
        self, spec: ModelSpec, *, output: Output = Output.DENSE, instruction: str = ""
    ) -> None:
        self._spec = spec
        self._output = output
        self._instruction = instruction

    @property
    def spec(self) -> ModelSpec:
        return self._spec

    @property
    def output(self) -> Output:
        return self._output

    @property
    def instruction(self) -> str:
        return self._instruction

    def embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        """Implements `Embedder.embed`."""
        self.spec.check(inputs)
        if not inputs:
            size = self.spec.dimension if self.output.is_dense else 0
            return Embeddings(np.empty((0, size), np.float32), Usage(0))
        return self._embed(inputs, role)

    @abstractmethod
    def _embed(self, inputs: Sequence[Input], role: Role) -> Embeddings:
        """The same of at least one input, all of which are within the model's limits."""
