"""What is chosen for each learner, by catalog: what is right for one is wrong for another."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsSettings:
    """Of least squares for implicit feedback (Hu, Koren & Volinsky 2008).

    Dense histories want a steady model of what all like, sparse ones one that fits each pair.
    """

    dimension: int = 128
    regularization: float = 20.0
    alpha: float = 5.0  # the confidence in a preference of the mean size


@dataclass(frozen=True, slots=True, kw_only=True)
class CooccurrenceSettings:
    """Exponents of degrees: how far what has many pairs counts less in each of them.

    With 0, ½ and ½ it is the cosine of two products; with 1, 1 and some target, RP³β (Paudel et
    al. 2017); with ½, ½ and ½ the symmetric normalisation of graph filters (Shen et al. 2021).
    """

    user: float = 0.0  # of a user who had both
    own: float = 0.5  # of the product that leads to the other
    target: float = 0.5  # of the other


@dataclass(frozen=True, slots=True, kw_only=True)
class EaseSettings:
    """Of the linear autoencoder EASE (Steck 2019)."""

    l2: float = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSettings:
    """Of all learners that have any."""

    als: AlsSettings = field(default_factory=AlsSettings)
    cooccurrence: CooccurrenceSettings = field(default_factory=CooccurrenceSettings)
    ease: EaseSettings = field(default_factory=EaseSettings)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, by learner."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Mapping[str, Any]]) -> Self:
        """What was stored; the default for a learner of which nothing is."""
        return cls(
            als=AlsSettings(**stored.get("als", {})),
            cooccurrence=CooccurrenceSettings(**stored.get("cooccurrence", {})),
            ease=EaseSettings(**stored.get("ease", {})),
        )
