"""A linear autoencoder, EASE (Steck 2019), of chosen features: which product speaks for which.

Column p of the weights is the ridge regression of who likes p on who likes each of the 200 products
that speak most for p by co-occurrence; p itself is not among them. To regress on chosen neighbours
alone is fsSLIM's way (Ning & Karypis 2011), the closed form with its l2 is EASE's. EASE learns
all products × products weights, of which no more than some hundred a product can be kept and read:
those that are learnt for their places are better than the largest of those that are not, and
need no inverse as large as the catalog.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array

from recommender.behaviour import neighbours
from recommender.behaviour.settings import CooccurrenceSettings

# More are no better, on gift shop, films and articles alike.
_FEATURES = 200
# Of so many popular products the Gramian is held, 576 MB; of the others it is counted each time.
_HELD = 12_000
_ROWS = 500  # of the Gramian, at a time
_DEFAULT = CooccurrenceSettings()


class Ease:
    """The regressions of one history, to be solved with one l2 or several."""

    def __init__(self, gramian: "Gramian", features: csr_array) -> None:
        self._gramian, self._features = gramian, features

    @classmethod
    def of(
        cls,
        binary: csr_array,
        settings: CooccurrenceSettings = _DEFAULT,
        features: int = _FEATURES,
    ) -> Self:
        """Choose each product's features.

        Args:
            binary: users × products, 1 where a user likes a product.
            settings: of the co-occurrence that chooses; the target's degree changes no choice.
            features: at most so many a product.
        """
        seen_from_target = CooccurrenceSettings(user=settings.user, target=settings.own)
        chosen = neighbours.cooccurrence(binary, features, seen_from_target)
        return cls(Gramian(binary), chosen)

    def weights(self, l2: float, limit: int = 200) -> csr_array:
        """The weights, products × products; float32, of each row the `limit` furthest from 0.

        The score of p is the sum over the user's products h of row h, column p.

        Raises:
            LinAlgError: beside entries this large, l2 is lost to rounding.
        """
        features = self._features
        values = np.empty(features.nnz)
        (solve,) = get_lapack_funcs(("posv",), dtype=np.float64)
        for product in range(features.shape[0]):
            part = slice(features.indptr[product], features.indptr[product + 1])
            chosen = features.indices[part]
            if not len(chosen):
                continue
            gramian = self._gramian.among(np.append(chosen, product))
            gramian[np.diag_indices_from(gramian)] += l2
            _, solved, failed = solve(gramian[:-1, :-1], gramian[:-1, -1:])
            values[part] = solved[:, 0]
            if failed:
                raise np.linalg.LinAlgError(f"With l2 = {l2:g} on its diagonal, no inverse.")
        targets = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
        entries = (values.astype(np.float32), (features.indices, targets))
        return neighbours.strongest(csr_array(entries, features.shape), limit)


class Gramian:
    """Products × products: how many users like both."""

    def __init__(self, binary: csr_array, held: int = _HELD) -> None:
        popularity = np.asarray(binary.sum(axis=0)).ravel()
        popular = np.argsort(-popularity, kind="stable")[:held]
        self._binary, self._transposed = binary, csr_array(binary.T)
        self._place = np.full(len(popularity), -1)
        self._place[popular] = np.arange(len(popular))
        self._held = np.empty((len(popular), len(popular)), dtype=np.float32)
        columns = csr_array(binary[:, popular])
        for start in range(0, len(popular), _ROWS):
            rows = self._transposed[popular[start : start + _ROWS]]
            self._held[start : start + _ROWS] = (rows @ columns).toarray()

    def among(self, products: NDArray[np.int64]) -> NDArray[np.float64]:
        """Its rows and columns of these products."""
        places = self._place[products]
        rare = places < 0
        gramian: NDArray[np.float64] = self._held[np.ix_(places, places)].astype(np.float64)
        if rare.any():
            rows = (self._transposed[products[rare]] @ self._binary)[:, products].toarray()
            gramian[rare], gramian[:, rare] = rows, rows.T
        return gramian
