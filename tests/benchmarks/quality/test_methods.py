"""Each baseline scores as its paper says, and its settings are chosen by what is known."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from benchmarks.quality import formats, tuning
from benchmarks.quality.dataset import Dataset, History
from benchmarks.quality.graph_filter import graph_filter, right_vectors
from benchmarks.quality.methods import METHODS, Method
from benchmarks.quality.next_basket import tifu_knn, user_vectors
from recommender.insight.baselines import BaselineError
from tests.benchmarks.quality import folders

_DAY = 86_400


@pytest.fixture
def clicks(tmp_path: Path) -> Dataset:
    (one,) = formats.found(folders.lightgcn(tmp_path / "gowalla"))
    return one.prepare()


@pytest.fixture
def baskets(tmp_path: Path) -> Dataset:
    sets = {one.name: one for one in formats.found(folders.retail(tmp_path / "retail"))}
    return sets["online-retail-all"].prepare()


def test_the_graph_filter_is_the_product_of_its_matrices() -> None:
    matrix = csr_array(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 1]], np.float32))
    dense = matrix.toarray()
    of_users, of_products = dense.sum(axis=1), dense.sum(axis=0)
    normalised = dense / np.sqrt(np.outer(of_users, of_products))
    right = np.linalg.svd(normalised)[2][:2]
    low_pass = np.diag(of_products**-0.5) @ right.T @ right @ np.diag(of_products**0.5)
    expected = dense @ (normalised.T @ normalised + 0.3 * low_pass)

    scores = graph_filter(matrix, right_vectors(matrix, 2), 0.3)(np.arange(3))

    assert scores == pytest.approx(expected, abs=1e-5)


def test_a_product_of_nobody_is_not_proposed_by_the_graph_filter() -> None:
    matrix = csr_array(np.array([[1, 1, 0], [1, 0, 0]], np.float32))

    scores = graph_filter(matrix, right_vectors(matrix, 1), 0.5)(np.arange(2))

    assert np.isneginf(scores[:, 2]).all()


def test_a_user_vector_decays_from_basket_to_basket_and_group_to_group() -> None:
    """Eight baskets make four groups of two: the oldest counts 0.9 · 0.7³ of its own."""
    days = np.arange(8)
    history = History(users=np.zeros(8, np.int64), products=days, at=days * _DAY)

    vector = user_vectors(history, (1, 8), 0.9, 0.7).toarray()[0]

    group = np.repeat([0.7**3, 0.7**2, 0.7, 1.0], 2)
    assert vector == pytest.approx(group * np.tile([0.9, 1.0], 4) / (2 * 4))


def test_two_events_of_one_day_are_one_basket() -> None:
    at = np.array([0, 60, _DAY])
    history = History(users=np.zeros(3, np.int64), products=np.array([0, 1, 2]), at=at)

    vector = user_vectors(history, (1, 3), 0.5, 0.5).toarray()[0]

    assert vector == pytest.approx([0.25, 0.25, 0.5])


def test_neighbours_bring_what_a_user_never_had() -> None:
    users, products = np.array([0, 1, 1, 2]), np.array([0, 0, 1, 2])
    history = History(users=users, products=products, at=np.zeros(4, np.int64))
    score = tifu_knn(history, (3, 3), neighbours=1, own=0.5, basket_decay=0.9, group_decay=0.7)

    (scores,) = score(np.array([0]))

    assert scores.argsort().tolist() == [2, 1, 0]
    assert np.isneginf(scores[2])


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_is_tuned_and_measured(method: Method, request: pytest.FixtureRequest) -> None:
    name = "baskets" if not method.needs(request.getfixturevalue("clicks")) else "clicks"
    dataset = request.getfixturevalue(name)
    # No list may reach beyond the catalog, nor hold what the user had.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # implicit on BLAS threads
        best = tuning.tuned(method, dataset, lambda _text: None)

    assert set(best.settings) == set(method.grid)
    assert all(value in method.grid[name] for name, value in best.settings.items())
    assert 0 < best.measured.figures["ndcg@20"].mean <= 1
    assert best.tried >= 2 if method.grid else best.tried == 0


def test_what_is_to_be_found_chooses_no_setting(clicks: Dataset) -> None:
    (ease,) = [method for method in METHODS if method.name == "EASE"]
    other = replace(clicks, found=clicks.found.where(np.arange(len(clicks.found)) % 2 == 0))

    chosen = [
        tuning.tuned(ease, dataset, lambda _text: None).settings for dataset in (clicks, other)
    ]

    assert chosen[0] == chosen[1]


def test_the_climb_goes_where_it_gets_better_and_stops_there() -> None:
    grid = {"a": (1.0, 2.0, 3.0, 4.0, 5.0), "b": (1.0, 2.0, 3.0)}
    method = Method(
        name="x", source="", learn=lambda _dataset: lambda _settings: lambda rows: rows, grid=grid
    )
    asked: list[tuple[float, float]] = []

    def judge(settings: tuning.Settings) -> float:
        asked.append((settings["a"], settings["b"]))
        return -((settings["a"] - 5) ** 2) - (settings["b"] - 1) ** 2

    assert tuning.climbed(method, judge) == {"a": 5.0, "b": 1.0}
    assert len(set(asked)) < 15  # not the whole grid


def test_settings_may_be_chosen_on_the_most_popular_products(clicks: Dataset) -> None:
    popular = clicks.of_most_popular(5)

    degrees = clicks.matrix.sum(axis=0)
    kept = [clicks.products.index(product) for product in popular.products]
    assert len(kept) == 5
    assert degrees[kept].min() >= np.delete(degrees, kept).max()
    assert (popular.matrix.toarray() == clicks.matrix[:, kept].toarray()).all()
    assert (popular.wanted.toarray() == clicks.wanted[:, kept].toarray()).all()


def test_ease_says_why_it_is_left_out_of_a_large_set(clicks: Dataset) -> None:
    many = replace(clicks, products=tuple(map(str, range(20_001))))
    (ease,) = [method for method in METHODS if method.name == "EASE"]

    with pytest.raises(BaselineError, match="20,001"):
        tuning.tuned(ease, many, lambda _text: None)
