"""A user, as sources see one, and the candidates found for them: the values between the stages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.item_neighbours import ItemNeighbours
from recommender.engine.scores import CandidatePopularity, OwnProducts, Popularity
from recommender.profiles.profile import ProfileRow
from recommender.ranking.table import CandidateTable

Keys = NDArray[np.int64]
Floats = NDArray[np.float32]

# The event of a product that a request names instead of the user's having done anything with it.
SEED = "seed"
# The same where products are looked for that are bought with it, that go with it without being
# substitutes, or that users chose who chose it.
BOUGHT_WITH, GOES_WITH, CHOSEN_WITH = "bought_with", "goes_with", "chosen_with"
# The same of an answer to a search: no product led to it, but words did.
SEARCHED = "searched"


@dataclass(frozen=True, slots=True)
class Cause:
    """A product that led to another, as a sentence tells of it."""

    id: str
    title: str = ""  # "" where it has none, or none was asked for
    event: str = ""  # the type of the user's strongest event with it, or SEED; "" where unknown


class SpaceProfile(Protocol):
    """A user's vectors in one space, and what a search from them finds."""

    @property
    def vectors(self) -> Sequence[ProfileRow]:
        """Interests come heaviest first."""

    def nearest(self, n: int) -> Sequence[Keys]:
        """Lists of products near to the vectors, the nearest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserContext:
    """What is known of a user as of the time that is asked for. Products are keys throughout."""

    own: OwnProducts
    excluded: Keys  # products that the answer leaves out, ascending
    lists_own: bool  # whether the user's own products may be listed again
    profiles: Mapping[str, SpaceProfile]  # by name of the space
    neighbours: Mapping[str, ItemNeighbours]  # by kind, of the own products
    popularity: Popularity
    clock: float  # what now is, seconds since 1970
    # Of own products by key, the type of the event that speaks best of each; empty in batches.
    strongest_events: Mapping[int, str] = field(default_factory=dict)

    def allowed(self, products: Keys, limit: int) -> Keys:
        """The first of these products that are not left out."""
        if len(self.excluded):
            _, left_out = arrays.sorted_places(self.excluded, products)
            products = products[~left_out]
        return products[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductColumns:
    """What is known of some products; every array has shape (products,)."""

    ids: Sequence[str]  # external
    products: Keys
    prices: Floats  # logarithms, NaN where unknown
    labels: Mapping[str, NDArray[np.int64]]  # "category" and "brand" as numbers, 0 for none
    released: NDArray[np.float64]  # seconds since 1970, NaN where unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Hydrated:
    """What a store knows of products that may be listed."""

    products: ProductColumns
    own: ProductColumns  # of the user's latest products, in their order
    # Of each profile's vectors to the products, by name of the space; (vectors, products).
    similarities: Mapping[str, Floats]
    causes: Callable[[], Mapping[int, Cause]]  # own products by key


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """One user's candidates: hydrated, then scored by every source, then with features."""

    context: UserContext
    products: ProductColumns
    own: ProductColumns
    similarities: Mapping[str, Floats]
    causes: Callable[[], Mapping[int, Cause]]
    popularity: CandidatePopularity
    table: CandidateTable

    def __len__(self) -> int:
        return len(self.table.products)
