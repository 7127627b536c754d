"""What every candidate source does."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.engine.attribution import Attribution
from recommender.engine.candidates import Candidates, UserContext

Keys = NDArray[np.int64]


class CandidateSource(ABC):
    """A way to find candidates for a user, and to score any candidate by the same evidence.

    The same source serves live, in batches, in training and in evaluation: it reads nothing but
    the context and the candidates, which a store has filled.
    """

    # Whether it goes by what the user did; what is popular is proposed to everybody.
    is_personal: ClassVar[bool] = True
    # Whether all that it proposes become candidates, whatever the other sources say.
    keeps_all: ClassVar[bool] = False

    # Names of the scores that it gives, "<contribution>:<…>".
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called where its candidates are counted."""
        return self.columns[0].partition(":")[0]

    @abstractmethod
    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:
        """Lists of up to n distinct products each, the best first."""

    @abstractmethod
    def score(self, candidates: Candidates) -> None:
        """Fill its columns of the candidates' table; they are 0 before."""

    def has_signal(self, context: UserContext) -> bool:
        """Whether anything speaks of this user's taste."""
        return self.is_personal and any(len(products) for products in self.propose(context, 1))

    def attribute(self, candidates: Candidates, rows: NDArray[np.int64]) -> Iterable[Attribution]:  # noqa: ARG002
        """Which own products led to the candidates in these rows; nothing is a fair answer."""
        return ()
