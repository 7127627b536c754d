"""Where the odd begin: the upper tail of a score among all products, which are mostly right."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

# Below it nearly all is right, even in a catalog with a few in a hundred wrong.
_BODY, _EDGE = 0.80, 0.95
LEAST = 20
TOO_FEW = f"Fewer than {LEAST} products can be compared."
_MOST_SURPRISING = 12.0


@dataclass(frozen=True, slots=True)
class Tail:
    """An exponential tail beyond the 95th percentile, fitted between it and the 80th.

    The peaks over a threshold of Pickands (1975) with the shape 0; what is wrong lies further out
    than what is fitted, so that it does not move it.
    """

    edge: float
    scale: float

    @classmethod
    def of(cls, scores: Scores) -> Self | None:
        """The tail of finite scores; None of fewer than 20, which tell nothing."""
        finite = scores[np.isfinite(scores)]
        if len(finite) < LEAST:
            return None
        body, edge = np.quantile(finite, [_BODY, _EDGE])
        return cls(float(edge), float((edge - body) / np.log((1 - _BODY) / (1 - _EDGE))))

    def threshold(self, rate: float) -> float:
        """What this share of right products is expected to be above."""
        return self.edge + self.scale * float(np.log((1 - _EDGE) / min(rate, 1 - _EDGE)))

    def surprise(self, score: float) -> float:
        """Of one in how many right products it would be: the power of ten, 12 at most."""
        if self.scale <= 0:
            return _MOST_SURPRISING if score > self.edge else 0.0
        rarity = (score - self.edge) / self.scale - float(np.log(1 - _EDGE))
        return float(np.clip(rarity / np.log(10), 0.0, _MOST_SURPRISING))
