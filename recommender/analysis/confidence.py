"""From a model's scores to chances that hold, and the score from which its answers are right.

Isotonic calibration: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass
probability estimates" (KDD 2002). Answering only above a score: Geifman and El-Yaniv, "Selective
classification for deep neural networks" (NeurIPS 2017); with the one error more that makes the
promise hold for answers to come: Angelopoulos et al., "Conformal Risk Control" (ICLR 2024).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Confidence:
    """What scores mean, learnt from answers whose rightness is known."""

    scores: Floats  # rising
    chances: Floats  # of the same, rising
    threshold: float  # the score from which answers are as precise as wanted; inf for none

    @property
    def sure_chance(self) -> float | None:
        """The chance of the answers at the threshold to be right; None where there is none."""
        return (
            float(self.of(np.array([self.threshold]))[0]) if np.isfinite(self.threshold) else None
        )

    def of(self, scores: NDArray[np.floating]) -> Floats:
        """The chance of each answer to be right."""
        chances: Floats = np.interp(scores, self.scores, self.chances)
        return chances

    def is_sure(self, scores: NDArray[np.floating]) -> Flags:
        """Whether each answer is among those that are as precise as wanted."""
        sure: Flags = np.asarray(scores) >= self.threshold
        return sure


def learn(scores: NDArray[np.floating], right: Flags, precision: float) -> Confidence:
    """Calibrate by held-out answers.

    Args:
        scores: of each answer; shape (answers,), at least one.
        right: whether it was right.
        precision: the wanted share of right ones among sure ones.
    """
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, right)
    # No chance is 0 or 1: as many answers more could tell otherwise.
    least = 1 / (len(scores) + 2)
    chances = np.clip(fitted.y_thresholds_, least, 1 - least)
    at = fitted.X_thresholds_.astype(np.float64)
    return Confidence(at, chances.astype(np.float64), _threshold(scores, right, precision))


def _threshold(scores: NDArray[np.floating], right: Flags, precision: float) -> float:
    order = np.argsort(-scores, kind="stable")
    precisions = np.cumsum(right[order]) / np.arange(2, len(order) + 2)
    # Of equal scores all are taken or none.
    ranked = scores[order]
    is_end = np.append(ranked[1:] < ranked[:-1], True)
    enough = np.flatnonzero((precisions >= precision) & is_end)
    return float(ranked[enough[-1]]) if len(enough) else float("inf")
