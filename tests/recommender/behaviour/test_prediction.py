import numpy as np
import pytest

from recommender.behaviour import prediction
from recommender.behaviour.prediction import Prediction


def content(products: int, seed: int = 1) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((products, 12)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def behaviour(of: np.ndarray) -> np.ndarray:
    """Vectors that content says nearly all of."""
    rng = np.random.default_rng(2)
    exact = of @ rng.standard_normal((12, 5)) + rng.standard_normal(5)
    return (exact + 0.01 * rng.standard_normal(exact.shape)).astype(np.float32)


def learnt(metric: str = "inner_product") -> Prediction:
    fitted = prediction.fit(content(200), behaviour(content(200)), metric=metric)
    assert fitted is not None
    return fitted


def test_a_product_nobody_touched_gets_the_vector_its_content_says() -> None:
    new = content(20, seed=3)
    np.testing.assert_allclose(learnt().predict(new), behaviour(new), atol=0.15)


def test_in_a_space_of_cosine_what_is_predicted_is_of_unit_length() -> None:
    lengths = np.linalg.norm(learnt("cosine").predict(content(20, seed=3)), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-5)


def test_it_knows_how_good_it_is() -> None:
    noise = np.random.default_rng(4).standard_normal((200, 5)).astype(np.float32)
    of_noise = prediction.fit(content(200), noise, metric="cosine")
    assert of_noise is not None
    assert learnt().similarity > 0.95
    assert of_noise.similarity < 0.3


def test_content_that_says_nothing_predicts_a_short_vector() -> None:
    noise = np.random.default_rng(4).standard_normal((200, 5)).astype(np.float32)
    fitted = prediction.fit(content(200), noise, metric="inner_product")
    assert fitted is not None
    lengths = np.linalg.norm(fitted.predict(content(20, seed=3)), axis=1)
    assert lengths.mean() < np.linalg.norm(noise, axis=1).mean() / 2


@pytest.mark.parametrize("products", [0, 1, 49])
def test_too_few_products_teach_nothing(products: int) -> None:
    few = content(products)
    assert prediction.fit(few, behaviour(few), metric="cosine") is None


@pytest.mark.parametrize("metric", ["cosine", "inner_product"])
def test_it_is_the_same_after_storage(metric: str) -> None:
    fitted = learnt(metric)
    stored = Prediction.from_bytes(fitted.to_bytes())
    new = content(5, seed=3)
    assert stored.predict(new).tolist() == fitted.predict(new).tolist()
    assert stored.similarity == fitted.similarity


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="train the space again"):
        Prediction.from_bytes(b"nothing of ours")
