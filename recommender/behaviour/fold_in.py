"""A user of today in a space of yesterday: their factor, in closed form."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import pack_arrays, unpack_arrays
from recommender.behaviour.interactions import preference

_CANCELLED = 1e-6


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """What gives the user factor that least squares on fixed product factors would learn."""

    gramian: NDArray[np.float32]  # YᵀY of all product factors, shape (d, d)
    regularization: float
    alpha: float  # the confidence in a preference of 1

    def factor(
        self, vectors: NDArray[np.float32], preferred: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The x that minimises Σ cᵢ(1 − x·yᵢ)² over the user's products, with confidence
        cᵢ = alpha · preferenceᵢ, + Σ (x·y)² over all others + regularization · |x|²
        (Hu, Koren & Volinsky 2008, equation 4)."""
        from scipy.linalg import solve  # noqa: PLC0415 - every command would wait for it

        y = vectors.astype(np.float64)
        confidence = self.alpha * preferred.astype(np.float64)
        left = self.gramian + self.regularization * np.eye(len(self.gramian))
        left += (y.T * (confidence - 1.0)) @ y
        # Not "pos": a product newer than the training is in no gramian.
        return np.asarray(solve(left, confidence @ y, assume_a="sym"), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class FoldIn:
    """From the products a user prefers to their long-term factor.

    By least squares where the space was learnt so, else the unit mean of the products.
    """

    least_squares: LeastSquares | None = None

    def factor(
        self, vectors: NDArray[np.float32], weights: NDArray[np.number]
    ) -> NDArray[np.float32]:
        """The factor of one user, shape (d,); zero where there are no products.

        Args:
            vectors: the products' as the space has them, shape (n, d).
            weights: sums of the aged weights of each product's events, shape (n,).
        """
        preferred = preference(weights)
        if self.least_squares is not None:
            return self.least_squares.factor(vectors, preferred)
        mean = preferred @ vectors
        length = float(np.linalg.norm(mean))
        # Opposite products can cancel out: what is left of them then is rounding.
        return np.asarray(mean / length if length > _CANCELLED else 0 * mean, dtype=np.float32)

    def to_bytes(self) -> bytes:
        """For `from_bytes`."""
        learnt = self.least_squares
        if learnt is None:
            return b""
        settings = np.array([learnt.regularization, learnt.alpha])
        arrays = {"gramian": learnt.gramian, "settings": settings}
        return pack_arrays(arrays, compress=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> "FoldIn":
        """What `to_bytes` gave.

        Raises:
            ValueError: these bytes are something else.
        """
        if not data:
            return cls()
        try:
            stored = unpack_arrays(data)
            regularization, alpha = stored["settings"].tolist()
            return cls(
                LeastSquares(
                    stored["gramian"].astype(np.float32, copy=False), regularization, alpha
                )
            )
        except (KeyError, ValueError) as error:
            raise ValueError("The stored fold-in cannot be read; train the space again.") from error
