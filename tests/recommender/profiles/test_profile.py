from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recommender.behaviour.fold_in import FoldIn, LeastSquares
from recommender.behaviour.interactions import History
from recommender.models import ProfileVector
from recommender.profiles.profile import MAX_INTERESTS, ProfileRow, profile

DAY = 86_400.0
DIMENSION = 12
Metric = Literal["cosine", "inner_product"]
METRICS: tuple[Metric, ...] = ("cosine", "inner_product")

metrics = st.sampled_from(METRICS)


def vectors_of(count: int, metric: Metric, seed: int = 1) -> NDArray[np.float32]:
    """Around a few directions; of unit length in a cosine space, else of any."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(4, DIMENSION))
    rows = centres[np.arange(count) % 4] + random.normal(size=(count, DIMENSION)) / 3
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if metric == "inner_product":
        rows *= random.uniform(0.01, 5, size=(count, 1))
    return rows.astype(np.float32)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Up to forty events with products 10, 20, …, 200, in no order; some of one moment."""
    count = draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return History(
        product_ids=10 * random.integers(1, 21, size=count),
        weights=random.choice([-3.0, -1.0, 0.0, 1.0, 3.0, 5.0], size=count),
        times=DAY * random.integers(0, 300, size=count).astype(np.float64),
    )


KNOWN = np.arange(10, 170, 10)  # of 170 and above there is no vector


def made(
    history: History, metric: Metric = "cosine", fold_in: FoldIn | None = None
) -> list[ProfileRow]:
    rows = vectors_of(len(KNOWN), metric)
    return profile(history, KNOWN, rows, metric=metric, half_life_days=60, fold_in=fold_in)


def fold_in() -> FoldIn:
    rows = vectors_of(len(KNOWN), "inner_product")
    return FoldIn(LeastSquares(rows.T @ rows, 20.0, 5.0))


def of(*events: tuple[int, float, float]) -> History:
    """From (product, weight, days), the newest first."""
    products, weights, days = zip(*events, strict=True)
    return History(
        np.array(products, dtype=np.int64), np.array(weights), DAY * np.array(days, dtype=float)
    )


def kinds(rows: list[ProfileRow]) -> dict[str, list[int]]:
    """The products of each kind."""
    products: dict[str, list[int]] = {}
    for row in rows:
        products.setdefault(row.kind, []).append(row.product_id)
    return products


def same(left: list[ProfileRow], right: list[ProfileRow]) -> bool:
    plain = [[(row.kind, row.position, row.product_id) for row in rows] for rows in (left, right)]
    return plain[0] == plain[1] and all(
        np.allclose(a.vector, b.vector, atol=1e-5) and a.weight == pytest.approx(b.weight)
        for a, b in zip(left, right, strict=True)
    )


@given(history=histories(), metric=metrics)
def test_every_query_vector_is_of_unit_length(history: History, metric: Metric) -> None:
    for row in made(history, metric):
        assert row.vector.dtype == np.float32
        assert np.linalg.norm(row.vector) == pytest.approx(1, abs=1e-5)


@given(history=histories())
def test_interests_are_a_few_with_weights_that_sum_to_one(history: History) -> None:
    rows = made(history)

    weights = [row.weight for row in rows if row.kind == "interest"]

    assert bool(weights) == bool(rows)
    assert not rows or sum(weights) == pytest.approx(1)
    assert len(weights) <= MAX_INTERESTS
    assert weights == sorted(weights, reverse=True)


@given(history=histories(), metric=metrics, seed=st.integers(0, 1000))
def test_the_order_in_which_events_are_read_does_not_matter(
    history: History, metric: Metric, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(len(history.product_ids))
    shuffled = History(history.product_ids[order], history.weights[order], history.times[order])

    assert same(made(history, metric, fold_in()), made(shuffled, metric, fold_in()))


@given(history=histories(), metric=metrics, days=st.integers(-10_000, 10_000))
def test_a_profile_does_not_depend_on_when_now_is(
    history: History, metric: Metric, days: int
) -> None:
    later = History(history.product_ids, history.weights, history.times + days * DAY)

    assert same(made(history, metric, fold_in()), made(later, metric, fold_in()))


@given(history=histories(), metric=metrics)
def test_no_product_is_both_wanted_and_refused(history: History, metric: Metric) -> None:
    by_kind = kinds(made(history, metric, fold_in()))

    refused = set(by_kind.pop("negative", []))

    assert not refused & {product for products in by_kind.values() for product in products}


@given(history=histories(), metric=metrics)
def test_what_was_never_refused_pushes_nothing_away(history: History, metric: Metric) -> None:
    kind = History(history.product_ids, np.abs(history.weights), history.times)

    assert "negative" not in kinds(made(kind, metric))


@given(history=histories(), metric=metrics)
def test_what_has_no_vector_is_passed_over(history: History, metric: Metric) -> None:
    known = history.product_ids <= KNOWN[-1]
    rest = History(history.product_ids[known], history.weights[known], history.times[known])
    newest = history.times.max() == rest.times.max(initial=-1)

    rows = made(history, metric)

    assert {row.product_id for row in rows} <= set(KNOWN.tolist())
    # Age is counted from the newest event of all, which changes no share.
    assert kinds(rows) == kinds(made(rest, metric)) or not newest


def test_without_events_or_vectors_there_is_no_profile() -> None:
    empty = History(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    nothing = np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)

    assert made(empty) == []
    assert made(of((999, 5, 1))) == []
    assert profile(of((10, 5, 1)), *nothing, metric="cosine", half_life_days=60) == []


def test_who_refused_everything_has_no_profile() -> None:
    assert made(of((10, -3, 2), (20, -1, 1))) == []


def test_the_last_product_is_the_newest_that_was_liked() -> None:
    history = of((40, -3, 9), (30, 0, 8), (20, 1, 7), (10, 5, 1))

    assert kinds(made(history))["last"] == [20]


def test_of_one_moment_the_heaviest_event_is_the_last() -> None:
    assert kinds(made(of((10, 1, 5), (20, 5, 5), (30, 1, 5))))["last"] == [20]


def test_a_refused_product_is_no_interest_however_often_it_was_viewed() -> None:
    by_kind = kinds(made(of((10, -3, 2), (10, 1, 1.5), (10, 1, 1), (20, 1, 1))))

    assert by_kind == {"interest": [20], "short_term": [20], "last": [20], "negative": [10]}


def test_the_negative_vector_points_to_what_was_refused_by_how_much() -> None:
    rows = made(of((10, -3, 1), (20, -1, 1), (30, 1, 1)))

    (negative,) = [row for row in rows if row.kind == "negative"]

    vectors = vectors_of(len(KNOWN), "cosine")
    expected = 3 * vectors[0] + vectors[1]
    np.testing.assert_allclose(
        negative.vector, expected / np.linalg.norm(expected), rtol=1e-4, atol=1e-6
    )
    assert negative.product_id == 10


def test_opposites_that_were_refused_leave_the_one_refused_most() -> None:
    vectors = np.eye(3, dtype=np.float32)
    vectors[1] = -vectors[0]
    history = of((1, -1, 1), (2, -1, 1), (3, 1, 1))

    rows = profile(history, np.array([1, 2, 3]), vectors, metric="cosine", half_life_days=60)

    (negative,) = [row for row in rows if row.kind == "negative"]
    assert negative.vector.tolist() == vectors[0].tolist()


def test_a_space_of_inner_products_has_no_interests_and_its_queries_ignore_lengths() -> None:
    history = of((20, 1, 2), (10, 5, 1))
    rows = made(history, "inner_product")

    assert set(kinds(rows)) == {"short_term", "last"}
    short, last = rows
    vectors = vectors_of(len(KNOWN), "inner_product")
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(last.vector, units[1], atol=1e-6)
    expected = units[1] + 0.7 * units[0]
    np.testing.assert_allclose(short.vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_the_long_term_factor_is_the_fold_in_of_the_vectors_as_stored() -> None:
    rows = made(of((10, 5, 2), (20, 1, 1)), "inner_product", fold_in())

    (factor,) = [row for row in rows if row.kind == "long_term"]

    vectors = vectors_of(len(KNOWN), "inner_product")
    weights = np.array([5.0, 0.5 ** (1 / 60)])
    np.testing.assert_allclose(
        factor.vector, fold_in().factor(vectors[:2], weights), rtol=1e-3, atol=1e-5
    )
    assert factor.product_id == 10


@pytest.mark.parametrize("metric", METRICS)
def test_kinds_are_those_of_the_table(metric: Metric) -> None:
    rows = made(of((10, -1, 1), (20, 1, 1)), metric, fold_in())

    assert {row.kind for row in rows} <= set(ProfileVector.Kind.values)


def test_vectors_of_more_products_than_the_history_has_change_nothing() -> None:
    history = of((20, 1, 2), (10, 5, 1))
    vectors = vectors_of(len(KNOWN), "cosine")

    few = profile(history, KNOWN[:2], vectors[:2], metric="cosine", half_life_days=60)

    assert same(few, made(history))
