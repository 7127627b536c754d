"""TIFU-KNN: the next basket by personal frequency and neighbours (Hu et al. 2020, Modeling
Personalized Item Frequency Information for Next-basket Recommendation)."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.quality.dataset import History
from recommender.insight.baselines import Scorer

_DAY = 86_400
_GROUPS = 7  # of the paper


def tifu_knn(
    history: History,
    shape: tuple[int, int],
    *,
    neighbours: int,
    own: float,
    basket_decay: float,
    group_decay: float,
) -> Scorer:
    """Scores of own · vector + (1 - own) · the mean vector of the nearest users.

    A user's vector is their baskets', decayed within seven groups and from group to group. A
    basket is a user's day.
    """
    vectors = user_vectors(history, shape, basket_decay, group_decay)
    squares = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    has_history = squares > 0

    def score(users: NDArray[np.int64]) -> NDArray[np.float32]:
        inner = (vectors[users] @ vectors.T).toarray()
        distances = squares - 2 * inner  # but for the user's own square, which is one for a row
        distances[:, ~has_history] = np.inf
        distances[np.arange(len(users)), users] = np.inf
        count = min(neighbours, max(1, int(has_history.sum()) - 1))
        nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
        rows = np.repeat(np.arange(len(users)), count)
        chosen = csr_array(
            (np.full(nearest.size, 1 / count, np.float32), (rows, nearest.ravel())),
            shape=(len(users), shape[0]),
        )
        scores = (own * vectors[users] + (1 - own) * (chosen @ vectors)).toarray()
        scores[scores <= 0] = -np.inf
        return np.asarray(scores, np.float32)

    return score


def user_vectors(
    history: History, shape: tuple[int, int], basket_decay: float, group_decay: float
) -> csr_array:
    """Users × products: how often and how lately each user had each product, decayed; float32."""
    triples = np.stack((history.users, history.at // _DAY, history.products), axis=1)
    users, days, products = np.unique(triples, axis=0).T
    is_new = np.r_[True, (users[1:] != users[:-1]) | (days[1:] != days[:-1])][: len(users)]
    basket = np.cumsum(is_new) - 1
    owners = users[is_new]  # of each basket
    counts = np.searchsorted(owners, owners, side="right") - np.searchsorted(owners, owners)
    place = np.searchsorted(owners, owners, side="right") - 1 - np.arange(len(owners))  # from last
    size = -(-counts // _GROUPS)  # baskets of a full group; the oldest may have fewer
    groups = -(-counts // size)
    group = place // size
    in_group = np.where(group == groups - 1, counts - (groups - 1) * size, size)
    weights = basket_decay ** (place % size) * group_decay**group / (in_group * groups)
    data = weights[basket].astype(np.float32)
    return csr_array((data, (users, products)), shape=shape)
