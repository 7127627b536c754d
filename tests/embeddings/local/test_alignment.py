import numpy as np
import pytest

from embeddings.errors import Misconfigured
from embeddings.local import alignment
from embeddings.local.alignment import Alignment


def pairs(count: int, noise: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of 40 numbers, and texts of 12 that follow from them, but for noise."""
    random = np.random.default_rng(seed)
    pictures = random.standard_normal((count, 40)).astype(np.float32) + 3
    rule = np.random.default_rng(9).standard_normal((40, 12))
    texts = (pictures - 3) @ rule + noise * random.standard_normal((count, 12)) + 2
    return pictures, (texts / np.linalg.norm(texts, axis=1, keepdims=True)).astype(np.float32)


def held_out_one_by_one(pictures: np.ndarray, texts: np.ndarray, penalty: float) -> np.ndarray:
    """By the book: a regression for each pair, without it."""
    predictions = []
    for row in range(len(texts)):
        seen, read = np.delete(pictures, row, 0), np.delete(texts, row, 0)
        centred = (seen - seen.mean(0)).astype(float)
        inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(pictures.shape[1]))
        weights = inverse @ centred.T @ (read - read.mean(0))
        predictions.append((pictures[row] - seen.mean(0)) @ weights + read.mean(0))
    return np.array(predictions)


def test_a_new_picture_lands_where_its_text_is() -> None:
    learnt, quality = alignment.fit(*pairs(400, noise=0.1))
    pictures, texts = pairs(50, noise=0, seed=2)
    closeness = learnt.apply(pictures) @ texts.T

    assert (closeness.argmax(axis=1) == np.arange(50)).mean() > 0.95
    assert quality.recall > 0.95


def test_it_is_ridge_regression() -> None:
    pictures, texts = pairs(100, noise=1)
    learnt, quality = alignment.fit(pictures, texts)
    centred = (pictures - pictures.mean(0)).astype(float)
    penalty = quality.penalty * np.mean(np.linalg.svd(centred)[1] ** 2)
    inverse = np.linalg.inv(centred.T @ centred + penalty * np.eye(40))

    np.testing.assert_allclose(
        learnt.weights, inverse @ centred.T @ (texts - texts.mean(0)), atol=1e-4
    )


@pytest.mark.parametrize("noise", [0.1, 3, 30])
def test_the_penalty_is_the_best_for_pairs_that_were_left_out(noise: float) -> None:
    pictures, texts = pairs(60, noise=noise)
    _, quality = alignment.fit(pictures, texts)
    scale = np.mean(np.linalg.svd((pictures - pictures.mean(0)).astype(float))[1] ** 2)

    def error(penalty: float) -> float:
        # Each pair's own centring moves the scale a little; the order of penalties stays.
        return float(np.sum((held_out_one_by_one(pictures, texts, penalty * scale) - texts) ** 2))

    assert error(quality.penalty) <= min(error(quality.penalty * by) for by in (0.1, 10)) * 1.001


def test_what_cannot_be_learnt_is_said_to_be_so() -> None:
    pictures, _ = pairs(300, noise=0)
    _, texts = pairs(300, noise=0, seed=5)

    assert alignment.fit(pictures, texts)[1].recall < 0.2


def test_products_with_one_title_are_not_held_against_each_other() -> None:
    pictures, texts = pairs(30, noise=0)
    many = np.repeat(pictures, 20, axis=0)
    many += np.random.default_rng(3).normal(scale=0.05, size=many.shape).astype(np.float32)

    assert alignment.fit(many, np.repeat(texts, 20, axis=0))[1].recall > 0.95


def test_fewer_pairs_than_features_are_enough() -> None:
    _, quality = alignment.fit(*pairs(25, noise=0.1))

    assert quality.pairs == 25
    assert quality.recall > 0.5


def test_it_is_read_as_it_was_stored() -> None:
    learnt, _ = alignment.fit(*pairs(50, noise=1))
    read = Alignment.from_bytes(learnt.to_bytes())
    pictures, _ = pairs(5, noise=0, seed=4)

    assert learnt.to_bytes() == read.to_bytes()
    np.testing.assert_array_equal(read.apply(pictures), learnt.apply(pictures))


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "shape", "pickle"])
def test_a_damaged_map_is_told_from_a_whole_one(damage: str) -> None:
    learnt, _ = alignment.fit(*pairs(50, noise=1))
    stored = {
        "empty": b"",
        "cut": learnt.to_bytes()[:-50],
        "other": b"PK\x05\x06" + bytes(18),
        "shape": Alignment(learnt.picture_mean[1:], learnt.text_mean, learnt.weights).to_bytes(),
        "pickle": Alignment(np.array([{}], object), learnt.text_mean, learnt.weights).to_bytes(),
    }

    with pytest.raises(Misconfigured, match=r"damaged.*new version of the space"):
        Alignment.from_bytes(stored[damage])


@pytest.mark.parametrize("count", [0, 1, 5])
def test_nothing_is_learnt_from_pairs_that_are_all_alike(count: int) -> None:
    with pytest.raises(Misconfigured, match="all alike"):
        alignment.fit(np.ones((count, 4), np.float32), np.ones((count, 3), np.float32))
