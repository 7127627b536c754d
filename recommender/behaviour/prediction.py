"""A behaviour vector for a product that nobody has touched, from its content."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from recommender.arrays import pack_arrays, unpack_arrays

Metric = Literal["cosine", "inner_product"]
_Map = tuple[NDArray[np.float32], NDArray[np.float32]]  # weights and intercept

MIN_PRODUCTS = 50
_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
_HELD_OUT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """A linear map with an intercept, by ridge regression (Hoerl & Kennard 1970), as content
    predicts factors in Gantner et al. 2010."""

    weights: NDArray[np.float32]  # shape (content dimension, behaviour dimension)
    intercept: NDArray[np.float32]  # shape (behaviour dimension,)
    unit: bool  # whether what is predicted is of length 1
    similarity: float  # mean cosine to the true vectors of products held out, −1 to 1

    def predict(self, content: NDArray[np.float32]) -> NDArray[np.float32]:
        """Behaviour vectors of products, shape (n, behaviour dimension).

        Shorter than true ones where the content says little, unless their length is always 1.

        Args:
            content: unit rows, shape (n, content dimension).
        """
        predicted = content @ self.weights + self.intercept
        return _unit(predicted) if self.unit else predicted

    def to_bytes(self) -> bytes:
        """For `from_bytes`."""
        settings = np.array([float(self.unit), self.similarity])
        arrays = {"weights": self.weights, "intercept": self.intercept, "settings": settings}
        return pack_arrays(arrays, compress=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Prediction":
        """What `to_bytes` gave.

        Raises:
            ValueError: these bytes are something else.
        """
        try:
            stored = unpack_arrays(data)
            unit, similarity = stored["settings"].tolist()
            return cls(
                weights=stored["weights"].astype(np.float32, copy=False),
                intercept=stored["intercept"].astype(np.float32, copy=False),
                unit=bool(unit),
                similarity=similarity,
            )
        except (KeyError, ValueError) as error:
            raise ValueError(
                "The stored prediction cannot be read; train the space again."
            ) from error


def fit(
    content: NDArray[np.float32], behaviour: NDArray[np.float32], *, metric: Metric
) -> Prediction | None:
    """The map from content to behaviour; None with fewer than 50 products to learn from.

    Of five penalties that one is taken whose predictions for a fifth of the products, held out,
    have the highest mean cosine to the true vectors; the map is then fitted to all.

    Args:
        content: unit rows, shape (n, content dimension).
        behaviour: of the same products, none of them zero, shape (n, behaviour dimension).
        metric: of the space; in one of cosine all vectors are of length 1, predicted ones as well.
    """
    if len(content) < MIN_PRODUCTS:
        return None
    held = np.random.default_rng(1).random(len(content)) < _HELD_OUT
    known, asked = (content[~held], behaviour[~held]), (content[held], behaviour[held])
    scores = [_similarity(_ridge(*known, penalty), *asked) for penalty in _PENALTIES]
    best = int(np.argmax(scores))
    weights, intercept = _ridge(content, behaviour, _PENALTIES[best])
    return Prediction(
        weights=weights, intercept=intercept, unit=metric == "cosine", similarity=scores[best]
    )


def _ridge(content: NDArray[np.float32], behaviour: NDArray[np.float32], penalty: float) -> _Map:
    """Weights and intercept; the intercept is not penalised."""
    from scipy.linalg import solve  # noqa: PLC0415 - every command would wait for it

    x = content.astype(np.float64)
    centre, mean = x.mean(axis=0), behaviour.mean(axis=0, dtype=np.float64)
    x -= centre
    left = x.T @ x + penalty * np.eye(x.shape[1])
    weights = solve(left, x.T @ (behaviour - mean), assume_a="pos")
    return weights.astype(np.float32), (mean - centre @ weights).astype(np.float32)


def _similarity(
    learnt: _Map, content: NDArray[np.float32], behaviour: NDArray[np.float32]
) -> float:
    weights, intercept = learnt
    predicted = _unit(content @ weights + intercept)
    return float((predicted * _unit(behaviour)).sum(axis=1).mean())


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, rows / np.maximum(lengths, 1e-6), 0.0).astype(np.float32)
