"""What the pipeline reads: PostgreSQL live, arrays for many users, behind one protocol."""

from collections.abc import Sequence
from typing import Protocol

from recommender.engine.candidates import Hydrated, Keys, UserContext
from recommender.engine.config import CandidateConfig


class Space(Protocol):
    """A space that serves, as sources know it."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def metric(self) -> str: ...


class CandidateStore(Protocol):
    """Where contexts come from and candidates are looked up; a contract suite holds every store."""

    @property
    def config(self) -> CandidateConfig:
        """How many candidates are worth their look-ups here."""

    @property
    def spaces(self) -> Sequence[Space]:
        """Those whose profiles and vectors there are."""

    @property
    def neighbour_kinds(self) -> Sequence[str]:
        """The kinds of item neighbours that may be there."""

    @property
    def lists_own(self) -> bool:
        """Whether the user's own products may be listed again."""

    def hydrate(self, context: UserContext, products: Keys) -> Hydrated:
        """Those of the products, given ascending, that may be listed, with all that is known."""

    def searched_further(self, context: UserContext) -> UserContext | None:
        """The same user where every search has gone past all that may not be listed.

        None where no search has met any of that.
        """
