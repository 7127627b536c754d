"""A map from pictures to texts, learnt from pairs of both.

Ridge regression (Hoerl and Kennard 1970) from a picture's features to the vector of its text.
Pictures, which are searched, are mapped to where the queries are, rather than the other way
round: that makes fewer of them everybody's neighbour (Shigeto et al. 2015).

A picture that says little of its text lands near the mean of all texts. That is wanted: without
it, pictures crowd out texts where both are searched together (drawings with noisy titles, half of
the products with text only: precision@8 0.60 instead of 0.84).
"""

from dataclasses import dataclass, fields
from io import BytesIO
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import Misconfigured

_Matrix = NDArray[np.float32]
_Double = NDArray[np.float64]

# Tried as the penalty, as shares of the features' mean variance along their main axes.
_PENALTIES = tuple(float(10.0**power) for power in np.arange(-3, 3.1, 0.5))
_RECALL_AT = 10
_SAME = 0.9999
_DAMAGED = "The map from pictures to texts is damaged"
_REMEDY = "build a new version of the space"


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Maps pictures' features, of f numbers, to where the text model, of d, puts their texts.

    `picture_mean` (f,), `text_mean` (d,), `weights` (f, d), float32.
    """

    picture_mean: _Matrix
    text_mean: _Matrix
    weights: _Matrix

    @property
    def dimension(self) -> int:
        """Of the text model's vectors."""
        return int(self.text_mean.shape[0])

    def apply(self, features: _Matrix) -> _Matrix:
        """Vectors (n, d) of length one for pictures' features (n, f)."""
        return _normalised((features - self.picture_mean) @ self.weights + self.text_mean)

    def to_bytes(self) -> bytes:
        """For storing; read with `from_bytes`."""
        buffer = BytesIO()
        np.savez(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """What `to_bytes` stored; nothing in it is run.

        Raises:
            Misconfigured: it is damaged.
        """
        try:
            with np.load(BytesIO(stored), allow_pickle=False) as arrays:
                alignment = cls(*(arrays[field.name] for field in fields(cls)))
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as exc:
            raise Misconfigured(f"{_DAMAGED} ({exc}); {_REMEDY}.") from exc
        if alignment.weights.shape != (alignment.picture_mean.size, alignment.text_mean.size):
            raise Misconfigured(f"{_DAMAGED}; {_REMEDY}.")
        return alignment


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a map does on pairs that it has not seen.

    `recall` is the share of titles with their picture among the ten nearest of all `pairs`
    (recall@10), each picture placed by a map learnt from the other pairs.
    """

    pairs: int
    recall: float
    penalty: float


def fit(pictures: _Matrix, texts: _Matrix) -> tuple[Alignment, Quality]:
    """Learn from pairs: pictures' features (n, f) and their texts' vectors (n, d).

    The penalty is the one with the least error when each pair is predicted from the others,
    which for ridge regression takes no refitting (Allen 1974, the PRESS statistic).

    Raises:
        Misconfigured: there are fewer than two, or all pictures or all texts are alike.
    """
    centred = _Centred.of(pictures, texts)
    left, sizes, right = np.linalg.svd(centred.pictures, full_matrices=False)
    projected = left.T @ centred.texts
    scale = float(np.mean(sizes**2))
    held_out = {
        penalty: _held_out(left, sizes**2 / (sizes**2 + penalty * scale), projected, centred)
        for penalty in _PENALTIES
    }
    best = min(held_out, key=lambda penalty: np.sum((held_out[penalty] - centred.texts) ** 2))
    shrunk = sizes / (sizes**2 + best * scale)
    weights = right.T @ (shrunk[:, None] * projected)
    alignment = Alignment(
        centred.picture_mean.astype(np.float32),
        centred.text_mean.astype(np.float32),
        weights.astype(np.float32),
    )
    quality = Quality(len(texts), _recall(held_out[best] + centred.text_mean, texts), best)
    return alignment, quality


@dataclass(frozen=True, slots=True, eq=False)
class _Centred:
    """Both sides of the pairs, in double precision and less their means."""

    pictures: _Double
    texts: _Double
    picture_mean: _Double
    text_mean: _Double

    @classmethod
    def of(cls, pictures: _Matrix, texts: _Matrix) -> Self:
        if _are_alike(pictures) or _are_alike(texts):
            raise Misconfigured("There is nothing to learn from pairs that are all alike.")
        picture_mean = pictures.mean(axis=0, dtype=np.float64)
        text_mean = texts.mean(axis=0, dtype=np.float64)
        return cls(pictures - picture_mean, texts - text_mean, picture_mean, text_mean)


def _are_alike(vectors: _Matrix) -> bool:
    return len(vectors) < 2 or bool((vectors == vectors[0]).all())


def _held_out(left: _Double, kept: _Double, projected: _Double, centred: _Centred) -> _Double:
    """Each pair's text (n, d) as predicted from the others.

    `left` (n, k) are the pictures' left singular vectors, `kept` (k,) what the penalty leaves of
    each, `projected` (k, d) the texts in their terms.
    """
    predicted = left @ (kept[:, None] * projected)
    leverage = np.sum(left**2 * kept, axis=1, keepdims=True) + 1 / len(left)
    held_out: _Double = centred.texts - (centred.texts - predicted) / (1 - leverage)
    return held_out


def _recall(predicted: _Double, texts: _Matrix) -> float:
    titles = _normalised(texts)
    closeness = titles @ _normalised(predicted).T
    # Where several products have one title, the picture of any of them is right.
    own = np.max(closeness, axis=1, where=titles @ titles.T > _SAME, initial=-1, keepdims=True)
    return float(np.mean(np.sum(closeness > own, axis=1) < _RECALL_AT))


def _normalised(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scaled to length one; what is zero stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: _Matrix = (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled
