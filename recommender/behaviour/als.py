"""Matrix factorisation by alternating least squares."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_array, csr_matrix
from threadpoolctl import threadpool_limits

from recommender.behaviour.factors import Factors, dimension
from recommender.behaviour.fold_in import FoldIn, LeastSquares


@dataclass(frozen=True, slots=True)
class ALS:
    """Least squares for implicit feedback (Hu, Koren & Volinsky 2008), solved by conjugate
    gradients (Takács, Pilászy & Tikk 2011).

    Near is a high inner product: the length of a product's factor says how often it is liked.
    """

    name: ClassVar[str] = "als"
    model: ClassVar[str] = "implicit-als"
    metric: ClassVar[Literal["inner_product"]] = "inner_product"
    dimension: ClassVar[int] = 128

    # These did better than the library's defaults (0.01 and 1) and the paper's confidence of 40.
    regularization: float = 20.0
    alpha: float = 5.0  # the confidence in a preference of the mean size
    iterations: int = 15
    random_state: int = 1

    def fit(self, preferences: csr_array) -> Factors:
        """See Trainer."""
        alpha = self.alpha / float(preferences.data.mean()) if preferences.nnz else self.alpha
        # implicit warns where its own threads meet those of BLAS.
        with threadpool_limits(1, "blas"):
            model = AlternatingLeastSquares(
                factors=dimension(self.dimension, preferences.shape),
                regularization=self.regularization,
                alpha=alpha,
                iterations=self.iterations,
                random_state=self.random_state,
            )
            model.fit(csr_matrix(preferences), show_progress=False)
        products = np.asarray(model.item_factors, dtype=np.float32)
        learnt = LeastSquares(products.T @ products, self.regularization, alpha)
        return Factors(users=model.user_factors, products=products, fold_in=FoldIn(learnt))
