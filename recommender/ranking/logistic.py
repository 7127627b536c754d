"""A ranker that adds up: logistic regression on the features."""

from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import pack_arrays, unpack_arrays
from recommender.ranking import prior
from recommender.ranking.features import Sample
from recommender.ranking.ranker import Contributions, LearntRanker, Scored, group_by_signal

_MOST_STEPS = 60
# A coefficient of a standardised feature is expected to be about 0.2: the precision of a normal
# prior, which counts for less the more examples there are.
_PRECISION = 20.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogisticRanker(LearntRanker):
    """The log-odds that a candidate is relevant: a coefficient for each standardised feature."""

    kind: ClassVar[str] = "logistic"

    names: tuple[str, ...]
    means: NDArray[np.float64]  # of each feature, shape (features,)
    slopes: NDArray[np.float64]  # coefficient / standard deviation, shape (features,)
    bias: float
    _signals: tuple[str, ...] = field(init=False, repr=False)
    _grouping: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        signals, places = group_by_signal(self.names)
        object.__setattr__(self, "_signals", signals)
        object.__setattr__(self, "_grouping", places)

    def scored_features(self, matrix: NDArray[np.float32]) -> Scored:
        """A contribution is the coefficient times the standardised feature; unknown gives 0."""
        contributions = matrix - self.means
        contributions[np.isnan(contributions)] = 0.0
        contributions *= self.slopes

        def of_signals(rows: NDArray[np.int64]) -> Contributions:
            values = contributions[rows] @ self._grouping
            values[:, 0] += self.bias  # the base is first
            return Contributions(self._signals, values)

        return Scored(contributions.sum(axis=1) + self.bias, of_signals)

    def to_bytes(self) -> bytes:
        return pack_arrays(
            {
                "names": np.array(self.names),
                "means": self.means,
                "slopes": self.slopes,
                "bias": np.array(self.bias),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        stored = unpack_arrays(data)
        return cls(
            names=tuple(stored["names"].tolist()),
            means=stored["means"].astype(np.float64),
            slopes=stored["slopes"].astype(np.float64),
            bias=float(stored["bias"].item()),
        )


def fit(sample: Sample) -> LogisticRanker:
    """Logistic regression with a normal prior, by L-BFGS (Liu & Nocedal 1989)."""
    unknown = np.isnan(sample.features)
    counts = np.maximum((~unknown).sum(axis=0), 1)
    standard = np.where(unknown, np.float32(0), sample.features)
    means = standard.sum(axis=0, dtype=np.float64) / counts
    standard -= means.astype(np.float32)
    standard[unknown] = 0.0
    spread = np.sqrt(np.einsum("ij,ij->j", standard, standard, dtype=np.float64) / counts)
    # What is the same everywhere, but for the rounding of its mean, says nothing.
    spread[spread <= 1e-5 * np.abs(means)] = np.inf
    standard /= spread.astype(np.float32)
    held = prior.slopes(sample)
    before = prior.scores(held, sample.features).astype(np.float32)
    coefficients = _maximised(standard, sample.labels > 0, before)
    slopes = coefficients[:-1] / spread + held
    falling = np.array(prior.directions(sample.names)) < 0
    slopes[falling] = np.minimum(slopes[falling], 0.0)
    return LogisticRanker(
        names=sample.names,
        means=means,
        slopes=slopes,
        bias=float(coefficients[-1] + means @ held),
    )


def _maximised(
    standard: NDArray[np.float32], relevant: NDArray[np.bool_], before: NDArray[np.float32]
) -> NDArray[np.float64]:
    """The most likely coefficients, shape (features + 1,), the bias last.

    Args:
        before: the log-odds that are held before, shape (candidates,).
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - a quarter second; a web fits nothing

    signs = np.where(relevant, np.float32(-1), np.float32(1))
    target = relevant.astype(np.float32)
    penalty = _PRECISION / len(relevant)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = standard @ point[:-1].astype(np.float32) + np.float32(point[-1]) + before
        missing = 1 / (1 + np.exp(-logits)) - target
        value = np.logaddexp(0, signs * logits).mean(dtype=np.float64)
        value += penalty / 2 * (point[:-1] @ point[:-1])
        slope = missing @ standard / len(relevant) + penalty * point[:-1]
        return float(value), np.append(slope, missing.mean(dtype=np.float64))

    start = np.zeros(standard.shape[1] + 1)
    optimum = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS})
    result: NDArray[np.float64] = optimum.x
    return result
