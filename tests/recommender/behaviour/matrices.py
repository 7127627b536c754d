"""Small matrices of users × products."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array

# Any history of up to eight users with nine products, empty ones as well.
likes = st.tuples(st.integers(1, 8), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.bool_, shape)
)


def matrix(likes: np.ndarray) -> csr_array:
    return csr_array(np.asarray(likes, dtype=np.float32))


def two_tastes(users: int = 60, products: int = 20) -> csr_array:
    """Even users like even products, odd ones odd; each about half of them."""
    rows, columns = np.indices((users, products))
    alike = (rows - columns) % 2 == 0
    chance = np.random.default_rng(7).random((users, products)) < 0.5
    return matrix(alike & chance)
