import numpy as np

from recommender.behaviour.svd import SVD
from tests.recommender.behaviour.matrices import matrix, two_tastes


def test_products_are_as_near_as_in_the_exact_decomposition() -> None:
    liked = np.random.default_rng(5).random((80, 40)) < 0.2
    degrees = [np.sqrt(liked.sum(axis=axis, keepdims=True)) for axis in (0, 1)]
    _, sizes, right = np.linalg.svd(liked / degrees[0] / degrees[1], full_matrices=False)
    exact = right.T * sizes
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    found = SVD().fit(matrix(liked)).products
    np.testing.assert_allclose(found @ found.T, exact @ exact.T, atol=1e-4)


def test_every_product_that_is_liked_is_of_unit_length() -> None:
    products = SVD().fit(two_tastes()).products
    np.testing.assert_allclose(np.linalg.norm(products, axis=1), 1.0, atol=1e-5)


def test_how_much_a_product_is_liked_does_not_matter() -> None:
    liked = two_tastes()
    more = liked.copy()
    more.data = np.linspace(1, 9, more.nnz, dtype=np.float32)
    assert SVD().fit(more).products.tobytes() == SVD().fit(liked).products.tobytes()
