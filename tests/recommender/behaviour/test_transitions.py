from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recommender.behaviour import transitions as module
from recommender.behaviour.interactions import Interactions

USERS, PRODUCTS = 4, 6
_Event = tuple[int, int, int]  # user, product, time

events = st.lists(
    st.tuples(st.integers(0, USERS - 1), st.integers(0, PRODUCTS - 1), st.integers(0, 8)),
    max_size=40,
)


def history(rows: list[_Event], products: int = PRODUCTS) -> Interactions:
    rows = sorted(rows, key=lambda row: row[2])
    users, items, times = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Interactions(
        users=users.astype(np.int32),
        products=items.astype(np.int32),
        weights=np.ones(len(rows), dtype=np.float32),
        times=times.astype(np.float64),
        n_users=int(users.max(initial=0)) + 1,
        n_products=products,
    )


def transitions(whole: Interactions, limit: int = 100, *, now: float = 0.0) -> csr_array:
    return module.transitions(whole, half_life_days=60.0, clock=now, limit=limit)


def counted(rows: list[_Event]) -> np.ndarray:
    """The scores by their definition, one pair after the other."""
    by_user: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    for user, product, time in rows:
        by_user[user][time].add(product)
    counts = np.zeros((PRODUCTS, PRODUCTS))
    for of_user in by_user.values():
        moments = [of_user[time] for time in sorted(of_user)]
        for place, before in enumerate(moments):
            for gap, after in enumerate(moments[place + 1 : place + 4], start=1):
                share = 1 / (gap * np.sqrt(len(before) * len(after)))
                for source in before:
                    for target in after:
                        counts[source, target] += share
    leads, follows = counts.sum(axis=1), counts.sum(axis=0)
    scores = counts / np.sqrt(np.outer(leads + 10, follows + 10))
    np.fill_diagonal(scores, 0)
    return scores


@given(events)
def test_a_score_is_how_often_one_came_within_three_moments_of_the_other(
    rows: list[_Event],
) -> None:
    np.testing.assert_allclose(transitions(history(rows)).toarray(), counted(rows), atol=1e-6)


@given(events, st.integers(0, 7))
def test_when_it_was_does_not_matter_but_the_order(rows: list[_Event], stretch: int) -> None:
    later = [(user, product, 100 + time * (1 + stretch)) for user, product, time in rows]

    first, second = transitions(history(rows)), transitions(history(later))

    np.testing.assert_allclose(first.toarray(), second.toarray(), atol=1e-6)


def test_what_leads_to_a_product_is_not_led_to_by_it() -> None:
    scores = transitions(
        history([(user, product, product) for user in range(9) for product in (2, 4)])
    )

    assert scores[2, 4] > 0.4
    assert scores[4, 2] == 0


def test_what_comes_next_counts_more_than_what_comes_third_and_nothing_beyond() -> None:
    scores = transitions(history([(0, place, place) for place in range(5)])).toarray()[0]

    assert scores[1] > scores[2] > scores[3] > scores[4] == 0


def test_what_happened_at_one_moment_has_no_order() -> None:
    assert transitions(history([(user, n, 3) for user in range(3) for n in range(4)])).nnz == 0


def test_events_that_say_nothing_good_lead_nowhere() -> None:
    whole = history([(0, 0, 0), (0, 1, 1), (0, 2, 2)])
    whole.weights[1] = -1.0

    scores = transitions(whole).toarray()

    assert scores[0, 2] > 0
    assert not scores[1].any()
    assert not scores[:, 1].any()


def test_only_the_strongest_are_kept() -> None:
    random = np.random.default_rng(1)
    rows = [(user, int(random.integers(9)), time) for user in range(40) for time in range(6)]
    every, best = (transitions(history(rows, 9), limit).toarray() for limit in (100, 3))

    assert (best > 0).sum(axis=1).tolist() == [3] * 9
    np.testing.assert_allclose(np.sort(best)[:, -3:], np.sort(every)[:, -3:])


@pytest.mark.parametrize("pairs", [1, 30, 200])
def test_part_by_part_the_scores_are_the_same(monkeypatch: pytest.MonkeyPatch, pairs: int) -> None:
    random = np.random.default_rng(2)
    rows = [(user, int(random.integers(PRODUCTS)), time) for user in range(20) for time in range(6)]
    whole = transitions(history(rows)).toarray()

    monkeypatch.setattr(module, "_MOST_PAIRS", pairs)

    np.testing.assert_allclose(transitions(history(rows)).toarray(), whole, atol=1e-7)


def test_a_moment_of_thousands_of_products_and_an_endless_history_are_cut() -> None:
    crowd = [(0, n, 0) for n in range(3_000)] + [(0, n, 1) for n in range(3_000)]
    endless = [(1, n, n) for n in range(3_000)]

    scores = transitions(history(crowd + endless, 3_000), limit=3_000)

    assert scores.nnz <= 50 * 50 + 3 * 500
    assert scores[2_998, 2_999] > 0  # the latest of the endless one


@pytest.mark.parametrize("rows", [[], [(0, 0, 0)]], ids=["none", "one event"])
def test_without_a_second_moment_nothing_follows(rows: list[_Event]) -> None:
    scores = transitions(history(rows))

    assert (scores.shape, scores.nnz) == ((PRODUCTS, PRODUCTS), 0)


def test_what_led_on_long_ago_counts_less_but_never_less_than_a_quarter() -> None:
    whole = history([(0, 0, 0), (0, 1, 1)])
    scores = [transitions(whole, now=days * 86_400.0)[0, 1] for days in (0, 60, 600, 6_000)]

    counts = [10 * score / (1 - score) for score in scores]
    assert counts == pytest.approx([1, 1 / 2, 1 / 4, 1 / 4], rel=1e-3)
