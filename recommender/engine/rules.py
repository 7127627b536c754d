"""What a request asks of a list beside relevance: boosts, places, caps, diversity.

Numbers alone: `rule_columns` reads what they need of products, `rerank` makes the list by them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.engine.formula import Formula

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

Shape = Literal["exp", "gauss", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """Relevance falls with the distance of a value from an origin, by half at `half_life`.

    The decay functions of Elasticsearch's function score query, with the decay at 1/2.
    """

    half_life: float  # in the unit of the distance: seconds, metres, the price's
    offset: float = 0.0  # no decay within this distance
    shape: Shape = "exp"
    weight: float = 1.0  # of what is left of relevance far away, 1 takes all


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a user was shown lately counts less, and recovers."""

    rate: float  # how much less just after an impression, 0 to 1
    recover: float  # seconds until an impression is forgotten


@dataclass(frozen=True, slots=True)
class Acted:
    """A merchandiser's rule as an answer names it."""

    id: str
    name: str
    action: str


@dataclass(frozen=True, slots=True)
class Pin:
    """A product that has its place whatever its relevance."""

    product: str  # its id
    place: int  # from 1
    by: Acted


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a list is made by beside relevance; all of it is optional."""

    boosts: tuple[float, ...] = ()  # products that pass are so many times as relevant
    boosted_by: tuple[Acted | None, ...] = ()  # by boost, whose it is; None: the request's
    decays: tuple[Decay, ...] = ()
    formulas: tuple[Formula, ...] = ()
    promotion: float = 0.0  # share of the places for products that pass, as far as there are any
    caps: tuple[int, ...] = ()  # so many products of one value at most
    # How much being unlike the others counts beside relevance, 0 to 1.
    diversity: float = 0.0
    rotation: Rotation | None = None
    exploration: float = 0.0  # share of the places for products that few have seen
    min_relevance: float = 0.0
    pins: tuple[Pin, ...] = ()  # of two for one place the first has it


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleColumns:
    """What rules read of some products; every array has shape (products,)."""

    keys: NDArray[np.int64]
    boosted: Sequence[Flags]  # by boost
    distances: Sequence[Floats]  # by decay: from its origin, NaN where the product has no value
    numbers: Mapping[str, Floats]  # by name of a formula's field
    promoted: Flags
    groups: Sequence[NDArray[np.int64]]  # by cap: equal for equal values, −1 for none
    likeness: Callable[[int], Floats] | None  # of the product in a row to all; None: not known
    freshness: Floats  # what impressions leave of relevance, 0 to 1
    pinned: Sequence[int] = ()  # by pin: the row of its product, −1 where it is no candidate
