"""The seam between a matrix of preferences and a behaviour space, and what stands behind it."""

from typing import Literal, Protocol

from scipy.sparse import csr_array

from recommender.behaviour.als import ALS
from recommender.behaviour.factors import Factors
from recommender.behaviour.svd import SVD

__all__ = ["TRAINERS", "Factors", "Trainer"]


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

    def fit(self, preferences: csr_array) -> Factors:
        """Factors from users × products, whose entries are positive, float32.

        A product without an entry has a zero vector. The same matrix gives the same factors.
        """


TRAINERS: tuple[Trainer, ...] = (ALS(), SVD())
