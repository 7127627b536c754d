"""Who sees which variant: by hash, so that nothing is stored and nobody changes sides.

A layer cuts all units into 0 to 1 once; experiments of a layer have parts of it that do not
overlap, so that nobody is in two of them. A ramp widens an experiment's part at its end: who is in
it stays. Within an experiment a hash with its own salt chooses the variant, so that layers and
experiments do not depend on each other (Tang et al. 2010, overlapping experiment infrastructure).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

# Of a hash as many bits as a float has, so that none is rounded up to 1.
_BYTES, _SPARE = 8, 11
# Shares are told in decimals.
_TOLERANCE = 1e-9


class PlanError(ValueError):
    """Shares that are none, or parts of a layer that overlap."""


@dataclass(frozen=True, slots=True)
class Share:
    """A variant, and its share of the experiment's units."""

    name: str
    share: float


@dataclass(frozen=True, slots=True)
class Plan:
    """How an experiment divides units.

    Raises:
        PlanError: shares do not add up to 1, a name is there twice, or the part is none.
    """

    layer: str
    salt: str
    start: float  # the part of the layer
    end: float
    variants: Sequence[Share]

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        if len(names) < 2 or len(set(names)) < len(names):
            raise PlanError("An experiment has two variants or more, each with a name of its own.")
        shares = [variant.share for variant in self.variants]
        if min(shares) <= 0 or abs(sum(shares) - 1) > _TOLERANCE:
            raise PlanError(f"The shares {shares} are not above 0 and add up to 1.")
        if not 0 <= self.start < self.end <= 1:
            raise PlanError(f"{self.start} to {self.end} is no part of 0 to 1.")


def place(salt: str, unit: str) -> float:
    """Where a unit stands between 0 and 1: always the same for a salt, even over all units."""
    digest = blake2b(unit.encode(), key=_key(salt), digest_size=_BYTES).digest()
    return (int.from_bytes(digest) >> _SPARE) * 2.0**-53


def _key(salt: str) -> bytes:
    """As BLAKE2 takes it, which is 64 bytes at most."""
    return blake2b(salt.encode()).digest()


def assign(plan: Plan, unit: str) -> str | None:
    """The variant of a unit; None for one that is not in the experiment."""
    if not plan.start <= place(f"layer:{plan.layer}", unit) < plan.end:
        return None
    at = place(f"variant:{plan.salt}", unit)
    ends = accumulate(variant.share for variant in plan.variants)
    chosen = (variant for variant, end in zip(plan.variants, ends, strict=True) if at < end)
    return next(chosen, plan.variants[-1]).name


def check_apart(plans: Sequence[Plan]) -> None:
    """See that no two experiments of a layer share units.

    Raises:
        PlanError: two do.
    """
    for place_, one in enumerate(plans):
        for other in plans[place_ + 1 :]:
            if one.layer == other.layer and one.start < other.end and other.start < one.end:
                raise PlanError(
                    f"{one.start:g} to {one.end:g} and {other.start:g} to {other.end:g} of the "
                    f"layer {one.layer!r} overlap."
                )
