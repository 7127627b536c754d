from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recommender.effect import off_policy
from recommender.effect.off_policy import Listed, Log

COUNT = 5


def listed(users: int, lists: np.ndarray) -> Listed:
    """A list of each user, in the order of its places; a product's number says how good it is."""
    products = lists.ravel()
    return Listed(
        users=np.repeat(np.arange(users), COUNT),
        answers=np.repeat(np.arange(users), COUNT),
        products=products,
        places=np.tile(np.arange(COUNT), users),
        known=products[:, None].astype(np.float64),
    )


def logged(users: int = 200, seed: int = 0, products: int = 12) -> Log:
    """Lists that were drawn by chance, and clicks that come with a product's number and place."""
    random = np.random.default_rng(seed)
    lists = np.argsort(random.random((users, products)), axis=1)[:, :COUNT]
    made = listed(users, lists)
    chance = (1 + made.products) / products / (1 + made.places)
    return Log(
        listed=made,
        propensities=np.ones(len(chance)),
        clicks=(random.random(len(chance)) < chance).astype(np.float64),
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_lists_as_they_were_shown_earn_what_they_earned(seed: int) -> None:
    log = logged(seed=seed)

    found = off_policy.estimate(log, log.listed)

    assert found.support == 1
    assert found.clipped == 0
    for interval in (found.snips, found.doubly_robust):
        assert interval is not None
        assert interval.mean == pytest.approx(1000 * log.clicks.mean())
        assert interval.low <= interval.mean <= interval.high
    assert found.observed == pytest.approx(1000 * log.clicks.mean())


def test_lists_of_nothing_that_was_shown_have_no_figure_but_a_reason() -> None:
    log = logged()
    elsewhere = replace(log.listed, products=log.listed.products + 100)

    found = off_policy.estimate(log, elsewhere)

    assert found.support == 0
    assert found.snips is None
    assert found.doubly_robust is None
    assert found.reason is not None
    assert found.reason.startswith("Of what it lists the log tells of 0%; at least 50%")


def test_few_users_or_clicks_have_no_figure_but_a_reason() -> None:
    few = logged(users=19)
    assert off_policy.estimate(few, few.listed).reason == (
        "Lists of 19 users were logged; at least 20 are needed."
    )
    cold = replace(logged(), clicks=np.zeros(200 * COUNT))
    assert off_policy.estimate(cold, cold.listed).reason == (
        "What both list was clicked 0 times; at least 50 clicks are needed."
    )


def test_what_was_drawn_seldom_stands_for_no_more_than_fifty_and_that_is_said() -> None:
    log = logged()
    propensities = np.where(log.listed.places == 0, 0.001, 1.0)

    found = off_policy.estimate(replace(log, propensities=propensities), log.listed)

    assert found.clipped == pytest.approx(1 / COUNT)
    floored = replace(log, propensities=np.maximum(propensities, 0.02))
    assert off_policy.estimate(floored, log.listed).snips == found.snips


def test_a_rank_that_puts_what_is_liked_first_earns_more_than_its_reverse() -> None:
    log = logged(users=400)
    best = np.sort(log.listed.products.reshape(-1, COUNT), axis=1)
    up, down = (off_policy.estimate(log, listed(400, each)) for each in (best[:, ::-1], best))

    assert up.doubly_robust is not None
    assert down.doubly_robust is not None
    assert log.clicks.mean() < up.doubly_robust.low / 1000
    assert down.doubly_robust.high < up.doubly_robust.low


def test_a_user_of_many_answers_widens_the_interval() -> None:
    log = logged(users=400, seed=3)
    owners = log.listed.users // 10
    keen = owners % 4 == 0
    log = replace(log, clicks=np.where(keen, 1.0, 0.0))
    together = replace(log.listed, users=owners)

    alone = off_policy.estimate(log, log.listed).doubly_robust
    clustered = off_policy.estimate(replace(log, listed=together), together).doubly_robust

    assert alone is not None
    assert clustered is not None
    assert clustered.mean == pytest.approx(alone.mean)
    assert clustered.high - clustered.low > 1.5 * (alone.high - alone.low)


def test_items_of_which_nothing_is_known_count_all_the_same() -> None:
    log = logged()
    blind = replace(log.listed, known=np.full_like(log.listed.known, np.nan))
    found = off_policy.estimate(replace(log, listed=blind), blind)
    assert found.doubly_robust is not None
    assert found.doubly_robust.mean == pytest.approx(1000 * log.clicks.mean())
