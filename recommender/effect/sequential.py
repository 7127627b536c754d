"""Whether variants differ, told at any time: whoever looks every day is not fooled more often.

An always-valid p-value and its confidence sequence, by the mixture sequential probability ratio
test (Robbins 1970; Johari, Koomen, Pekelis & Walsh 2017, "Peeking at A/B tests"), of the difference
of two means with estimated variances (asymptotic: Waudby-Smith et al. 2024). Units must not repeat:
a value is all of one user's, so that who comes often counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from recommender.ranking.metrics import Interval

Values = NDArray[np.float64]

ALPHA = 0.05
# The lift that the test is quickest for, as a share of the control's mean. Any is found in the end.
USUAL_LIFT = 0.05
# Fewer tell no variance.
FEWEST = 100
# How sure the sample-ratio test is of the shares beforehand: of this many units.
_PRIOR_UNITS = 100.0
_LARGEST_EXPONENT = 700.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the control, as of now."""

    control: float  # means a unit
    variant: float
    difference: Interval  # valid at every look
    p_value: float  # so is this

    @property
    def lift(self) -> Interval | None:
        """The difference as a share of the control's mean; None where that is 0."""
        if self.control <= 0:
            return None
        found = self.difference
        return Interval(*(each / self.control for each in (found.mean, found.low, found.high)))

    @property
    def is_better(self) -> bool:
        """Whether the variant is clearly above."""
        return self.difference.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it is clearly below."""
        return self.difference.high < 0


def compare(control: Values, variant: Values, alpha: float = ALPHA) -> Comparison | None:
    """The variant's mean against the control's; None where either has too few units, or no spread.

    Args:
        control, variant: a value a unit, [n] and [m].
    """
    if min(len(control), len(variant)) < FEWEST:
        return None
    noise = control.var(ddof=1) / len(control) + variant.var(ddof=1) / len(variant)
    if noise <= 0:
        return None
    mean = float(control.mean())
    pooled = float(np.concatenate([control, variant]).mean())
    # Where all is near 0, as after an adjustment, the spread itself gives the scale.
    scale = max(USUAL_LIFT * abs(pooled), sqrt(noise) / 10)
    difference = float(variant.mean()) - mean
    half = half_width(noise, scale * scale, alpha)
    return Comparison(
        control=mean,
        variant=mean + difference,
        difference=Interval(difference, difference - half, difference + half),
        p_value=p_value(difference, noise, scale * scale),
    )


def p_value(difference: float, noise: float, mixing: float) -> float:
    """One over the mixture's likelihood ratio, at most 1.

    Args:
        noise: the variance of the difference.
        mixing: the variance of the differences that are looked for.
    """
    exponent = mixing * difference**2 / (2 * noise * (noise + mixing))
    ratio = sqrt(noise / (noise + mixing)) * exp(min(exponent, _LARGEST_EXPONENT))
    return min(1.0, 1 / ratio)


def half_width(noise: float, mixing: float, alpha: float = ALPHA) -> float:
    """Of the confidence sequence: the differences that the same test does not refuse."""
    spread = noise + mixing
    return sqrt(2 * noise * spread / mixing * (log(1 / alpha) + log(spread / noise) / 2))


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """An always-valid p-value of whether units came in the shares they should.

    The sequential multinomial test of Lindon & Malek 2022: a Dirichlet around the shares against
    the shares themselves.
    """
    found, expected = np.array(counts, dtype=float), np.array(shares, dtype=float)
    prior = _PRIOR_UNITS * expected
    of_any = (
        gammaln(_PRIOR_UNITS)
        - gammaln(_PRIOR_UNITS + found.sum())
        + (gammaln(prior + found) - gammaln(prior)).sum()
    )
    evidence = float(of_any - (found * np.log(expected)).sum())
    return min(1.0, exp(-min(evidence, _LARGEST_EXPONENT))) if evidence > 0 else 1.0


def cuped(values: Values, before: Values) -> Values:
    """The values less what the units' own past foretells of them, with the same mean.

    Deng, Xu, Kohavi & Walker 2013; both are of all variants together, so that each is adjusted by
    one slope.

    Args:
        before: the same measure of each unit before it was in the experiment.
    """
    if len(values) < 2:
        return values
    spread = before.var()
    if spread <= 0:
        return values
    slope = float(np.mean((values - values.mean()) * (before - before.mean())) / spread)
    adjusted: Values = values - slope * (before - before.mean())
    return adjusted


def winsorised(values: Values, share: float = 0.01) -> Values:
    """The values with the largest cut down: of those above 0, this share, to the least of them.

    Values are of all variants together. One order of a thousand lamps decides nothing.
    """
    positive = values[values > 0]
    if not len(positive):
        return values
    capped: Values = np.minimum(values, np.quantile(positive, 1 - share))
    return capped
