"""Counting what calls consume."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from embeddings.types import Embeddings


class Meter(Protocol):
    """Counts what calls consume; used in the thread of `embed_rows` only.

    Each `reserve` that returns is followed by one `answered` or one `failed`.
    """

    def reserve(self, tokens: int) -> None:
        """A call of about so many tokens is about to be made.

        Raises:
            BudgetSpent: it must not be.
        """
        ...

    def answered(self, rows: Sequence[int], reserved: int, answer: Embeddings) -> None:
        """The call was answered for these rows (places among the inputs), maybe none, and costs."""
        ...

    def failed(self, reserved: int) -> None:
        """The call was not made after all, or gave no vectors."""
        ...


@dataclass(frozen=True, slots=True)
class _Free:
    def reserve(self, tokens: int) -> None:
        pass

    def answered(self, rows: Sequence[int], reserved: int, answer: Embeddings) -> None:
        pass

    def failed(self, reserved: int) -> None:
        pass


FREE: Meter = _Free()
