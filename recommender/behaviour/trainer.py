"""Trainers of behaviour spaces: preferences in, a vector for every user and product out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from numpy.typing import NDArray
from scipy.linalg import qr, svd
from scipy.sparse import csr_array, csr_matrix, diags_array
from threadpoolctl import threadpool_limits

from recommender.behaviour.fold_in import FoldIn, LeastSquares
from recommender.behaviour.settings import AlsSettings, LearnerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Rows in the order of the matrix they were learnt from; zero where it had nothing."""

    users: NDArray[np.float32]  # shape (users, d)
    products: NDArray[np.float32]  # shape (products, d)
    fold_in: FoldIn


def dimension(wanted: int, shape: tuple[int, int]) -> int:
    """How many dimensions a matrix of this shape can fill, at least 1 and at most those wanted."""
    return max(1, min(wanted, *shape))


__all__ = ["Factors", "Trainer", "trainers"]


Advance = Callable[[int, int], None]


def _silent(_done: int, _total: int) -> None:
    pass


class Trainer(Protocol):
    """One way to learn a space from behaviour."""

    @property
    def name(self) -> str:
        """The space's name."""

    @property
    def model(self) -> str:
        """The model's key, which the space keeps."""

    @property
    def metric(self) -> Literal["cosine", "inner_product"]:
        """What nearness of its product vectors is."""

    @property
    def dimension(self) -> int:
        """Of the vectors, where there are as many users and products."""

    def fit(self, preferences: csr_array, advance: Advance = _silent) -> Factors:
        """Factors from users × products, whose entries are positive, float32.

        A product without an entry has a zero vector. The same matrix gives the same factors.

        Args:
            advance: told after each iteration how many are done, and of how many.
        """


_OVERSAMPLING = 32


_ITERATIONS = 4


@dataclass(frozen=True, slots=True)
class SVD:
    """Product rows of V·S of the degree-normalised matrix D_u^-½ B D_p^-½, of unit length.

    B says only whether a user likes a product. Without the degrees the first dimensions would
    say no more than what is popular.
    """

    name: ClassVar[str] = "svd"
    model: ClassVar[str] = "truncated-svd"
    metric: ClassVar[Literal["cosine"]] = "cosine"
    dimension: ClassVar[int] = 256

    def fit(self, preferences: csr_array, advance: Advance = _silent) -> Factors:
        """See Trainer."""
        normalised = _degree_normalised(preferences)
        wanted = dimension(self.dimension, preferences.shape)
        products = _unit(_scaled_right_vectors(normalised, wanted, advance))
        users = _unit(np.asarray(preferences @ products))
        return Factors(users=users, products=products, fold_in=FoldIn())


def _degree_normalised(preferences: csr_array) -> csr_array:
    binary = preferences.astype(np.float32)
    binary.data = np.ones_like(binary.data)
    by_user, by_product = (
        diags_array(np.maximum(binary.sum(axis=axis), 1.0).astype(np.float32) ** -0.5)
        for axis in (1, 0)
    )
    return csr_array(by_user @ binary @ by_product)


def _scaled_right_vectors(matrix: csr_array, rank: int, advance: Advance) -> NDArray[np.float32]:
    """V·S of the largest singular values, shape (columns, rank), by a randomised subspace
    iteration (Halko, Martinsson & Tropp 2011, algorithms 4.4 and 5.1)."""
    if not matrix.nnz:
        return np.zeros((matrix.shape[1], rank), dtype=np.float32)
    transposed = csr_array(matrix.T)
    columns = min(rank + _OVERSAMPLING, *matrix.shape)
    start = np.random.default_rng(1).standard_normal((matrix.shape[1], columns), dtype=np.float32)
    basis, _ = qr(start, mode="economic")
    for iteration in range(_ITERATIONS):
        basis, _ = qr(transposed @ (matrix @ basis), mode="economic")
        advance(iteration + 1, _ITERATIONS + 1)  # what follows takes as long as one of them
    _, sizes, right = svd(matrix @ basis, full_matrices=False)
    vectors = basis @ right[:rank].T * sizes[:rank]
    # A singular vector's sign is free: the largest entry becomes the positive one.
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return np.asarray(np.where(largest < 0, -vectors, vectors), dtype=np.float32)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; what is zero but for rounding is zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(lengths > 1e-6, rows / np.maximum(lengths, 1e-6), 0.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ALS:
    """Least squares for implicit feedback (Hu, Koren & Volinsky 2008), solved by conjugate
    gradients (Takács, Pilászy & Tikk 2011).

    Near is a high inner product: the length of a product's factor says how often it is liked.
    """

    name: ClassVar[str] = "als"
    model: ClassVar[str] = "implicit-als"
    metric: ClassVar[Literal["inner_product"]] = "inner_product"

    settings: AlsSettings = field(default_factory=AlsSettings)
    iterations: int = 15
    random_state: int = 1

    @property
    def dimension(self) -> int:
        """See Trainer."""
        return self.settings.dimension

    def fit(self, preferences: csr_array, advance: Advance = _silent) -> Factors:
        """See Trainer."""
        alpha = self.settings.alpha
        if preferences.nnz:
            alpha /= float(preferences.data.mean())
        # implicit warns where its own threads meet those of BLAS.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=dimension(self.dimension, preferences.shape),
                regularization=self.settings.regularization,
                alpha=alpha,
                iterations=self.iterations,
                random_state=self.random_state,
            )
            model.fit(
                csr_matrix(preferences),
                show_progress=False,
                callback=lambda iteration, *_: advance(iteration + 1, self.iterations),
            )
        products = np.asarray(model.item_factors, dtype=np.float32)
        learnt = LeastSquares(products.T @ products, self.settings.regularization, alpha)
        return Factors(users=model.user_factors, products=products, fold_in=FoldIn(learnt))


def trainers(settings: LearnerSettings) -> tuple[Trainer, ...]:
    """All of them, one for each behaviour space."""
    return ALS(settings.als), SVD()
