from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.behaviour.interactions import Interactions
from recommender.training import splits
from recommender.training.splits import LAST, WINDOWS, Split
from tests.recommender.training import planted
from tests.recommender.training.planted import DAY_SECONDS, START

USERS, PRODUCTS = 6, 5
_Event = tuple[int, int, float, int]

# Users, products, weights and days; many are of one moment.
events = st.lists(
    st.tuples(
        st.integers(0, USERS - 1),
        st.integers(0, PRODUCTS - 1),
        st.sampled_from([1.0, 3.0, 0.0, -1.0]),
        st.integers(0, 90),
    ),
    max_size=40,
)


def history(*rows: _Event) -> Interactions:
    ordered = sorted(rows, key=lambda row: row[3])
    return Interactions(
        users=np.array([row[0] for row in ordered], dtype=np.int32),
        products=np.array([row[1] for row in ordered], dtype=np.int32),
        weights=np.array([row[2] for row in ordered], dtype=np.float32),
        times=START + DAY_SECONDS * np.array([row[3] for row in ordered], dtype=np.float64),
        n_users=USERS,
        n_products=PRODUCTS,
    )


def pairs(interactions: Interactions) -> list[tuple[int, int, float]]:
    """User, product and time of each positive event."""
    good = interactions.positive()
    return list(zip(good.users.tolist(), good.products.tolist(), good.times.tolist(), strict=True))


def wanted(split: Split) -> set[tuple[int, int]]:
    rows, columns = split.relevant.nonzero()
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


@given(events)
def test_a_window_knows_nothing_of_its_moment_or_later_and_wants_only_that(
    rows: list[_Event],
) -> None:
    whole = history(*rows)
    plan = splits.plan(whole)
    for split in plan.splits if plan.scheme == WINDOWS else ():
        assert (split.known.times < split.clock).all()
        later = {(user, product) for user, product, at in pairs(whole) if at >= split.clock}
        assert wanted(split) <= later
        assert split.labels.nnz <= split.relevant.nnz


@given(events)
def test_what_is_held_out_last_is_not_known(rows: list[_Event]) -> None:
    whole = history(*rows)
    if not len(whole):
        return
    split = splits.leave_last_out(whole)
    held = splits.hold_out_last(whole)

    assert len(split.known) + held.sum() == len(whole)
    assert sorted([*pairs(split.known), *pairs(whole.where(held))]) == sorted(pairs(whole))
    assert wanted(split) == {(user, product) for user, product, _ in pairs(whole.where(held))}


@given(events)
def test_what_is_held_out_is_good_and_leaves_each_user_something_good(rows: list[_Event]) -> None:
    whole = history(*rows)
    held = splits.hold_out_last(whole)

    assert (whole.weights[held] > 0).all()
    left, all_users = (set(part.positive().users) for part in (whole.where(~held), whole))
    assert left == all_users


@given(events)
def test_what_is_held_out_is_at_the_end_of_its_users_history(rows: list[_Event]) -> None:
    whole = history(*rows)
    held = splits.hold_out_last(whole)
    good = whole.weights > 0
    for user in set(whole.users[held]):
        mine = (whole.users == user) & good
        assert whole.times[held & mine].min() >= whole.times[~held & mine].max()


@given(events)
def test_users_who_judge_teach_nothing_where_last_events_are_held_out(rows: list[_Event]) -> None:
    plan = splits.plan(history(*rows), LAST)
    if not plan.splits:
        return
    lesson, judged = plan.splits
    assert (lesson.is_held_out, judged.is_held_out) == (False, True)
    assert judged.labels.nnz == 0 or set(judged.labels.nonzero()[0]).isdisjoint(
        judged.relevant.nonzero()[0]
    )
    assert set(lesson.relevant.nonzero()[0]).isdisjoint(judged.relevant.nonzero()[0])
    assert pairs(lesson.known) == pairs(judged.known)


def test_where_users_come_back_history_is_cut_by_windows_and_the_last_one_judges() -> None:
    whole = planted.interactions()

    plan = splits.plan(whole)

    assert plan.scheme == WINDOWS
    assert "of the users came back" in plan.reason
    assert [split.is_held_out for split in plan.splits] == [True, False, False, False, False]
    end = whole.times[-1]
    for split in plan.splits:
        assert split.relevant.nnz
        assert split.clock < end


def test_what_a_ranker_learns_of_a_window_is_over_before_the_gate_judges() -> None:
    whole = planted.interactions()
    judge, *lessons, _ = splits.plan(whole).splits

    assert judge.labels.nnz == 0
    for split in lessons:
        during = (whole.times >= split.clock) & (whole.times < judge.clock)
        assert split.labels.nnz == whole.where(during).positive().binary().nnz


def test_beside_windows_the_last_events_before_the_judge_teach_too() -> None:
    whole = planted.interactions()
    judge, *_, last = splits.plan(whole).splits
    earlier = whole.before(judge.clock)

    assert last.clock <= judge.clock + 1
    assert (last.known.times < judge.clock).all()
    assert last.relevant.nnz == splits.leave_last_out(earlier).relevant.nnz
    assert (last.labels != last.relevant).nnz == 0


def test_where_few_have_a_last_event_windows_teach_alone() -> None:
    assert [split.is_held_out for split in splits.plan(leaving(40, 12)).splits] == [
        True,
        False,
        False,
        False,
    ]


def test_where_hardly_anyone_comes_back_last_events_are_held_out() -> None:
    came = (0, 15, 30, 45, 75, 75)
    rows = [(user, n, 1.0, came[user] + n) for user in range(USERS) for n in range(3)]

    plan = splits.plan(history(*rows))

    assert plan.scheme == LAST
    assert plan.reason.startswith("only ")


def test_times_that_tell_no_order_leave_a_fifth_of_a_user_s_products_to_foretell() -> None:
    rows = [(user, n, 1.0, 7) for user in range(2) for n in range(5)]

    plan = splits.plan(history(*rows))

    assert (plan.scheme, plan.reason) == (LAST, "All events are of one day.")
    held = splits.hold_out_last(history(*rows))
    assert np.bincount(history(*rows).users[held]).tolist() == [1, 1]


def test_a_basket_at_the_end_is_held_out_as_a_whole() -> None:
    whole = history((0, 0, 1, 0), (0, 1, 1, 1), (0, 2, 1, 2), (0, 3, 1, 9), (0, 4, 1, 9))

    assert splits.hold_out_last(whole).tolist() == [False, False, False, True, True]


def test_one_user_with_one_event_keeps_it_and_nothing_is_to_be_foretold() -> None:
    split = splits.leave_last_out(history((0, 0, 1.0, 3)))

    assert pairs(split.known) == [(0, 0, START + 3 * DAY_SECONDS)]
    assert split.relevant.nnz == 0


def test_one_user_who_comes_back_is_enough_to_cut() -> None:
    plan = splits.plan(history(*((0, n % PRODUCTS, 1.0, 9 * n) for n in range(10))))

    assert plan.scheme == WINDOWS
    assert all(wanted(split) for split in plan.splits)


@pytest.mark.parametrize("rows", [[], [(0, 0, -1.0, 1), (1, 1, 0.0, 2)]], ids=["none", "none good"])
def test_without_a_good_event_there_is_nothing_to_cut(rows: list[_Event]) -> None:
    assert splits.plan(history(*rows)).splits == ()
    assert not splits.hold_out_last(history(*rows)).any()


def test_a_horizon_is_a_fifth_of_the_history_and_two_months_at_most() -> None:
    assert splits.horizon(history()) == 0
    assert splits.horizon(history((0, 0, 1, 0), (0, 1, 1, 10))) == 2 * DAY_SECONDS
    assert splits.horizon(history((0, 0, 1, 0), (0, 1, 1, 3650))) == 60 * DAY_SECONDS


def test_the_last_days_are_before_the_last_event_and_not_before_now() -> None:
    whole = history((0, 0, 1, 0), (0, 1, 1, 10))

    assert splits.last_days(whole) == pytest.approx(START + 8 * DAY_SECONDS, abs=0.01)


def test_those_who_return_are_counted_of_those_who_were_there_before() -> None:
    whole = history((0, 0, 1, 0), (1, 0, 1, 0), (1, 1, 1, 9), (2, 1, 1, 9))

    assert splits.returning(whole, START + DAY_SECONDS) == (1, 2)
    assert splits.returning(whole, START) == (0, 0)


def leaving(users: int, back: int) -> Interactions:
    """Users of three events on three of the first fifty days, some of whom come back at the end."""
    random = np.random.default_rng(1)
    user = np.concatenate([np.repeat(np.arange(users), 3), np.arange(back)])
    days = np.concatenate([random.uniform(0, 50, 3 * users), random.uniform(90, 100, back)])
    order = np.argsort(days)
    return Interactions(
        users=user[order].astype(np.int32),
        products=random.integers(0, PRODUCTS, len(user)).astype(np.int32),
        weights=np.ones(len(user), dtype=np.float32),
        times=START + DAY_SECONDS * days[order],
        n_users=users,
        n_products=PRODUCTS,
    )


@pytest.mark.parametrize(
    ("users", "back", "scheme", "reason"),
    [
        (30_000, 2_400, WINDOWS, "8% of the users came back in the last 20 days."),
        (3_000, 240, LAST, "only 8% of the users came back in the last 20 days."),
        (300, 90, WINDOWS, "30% of the users came back in the last 20 days."),
        (120, 36, LAST, "30% of the users came back in the last 20 days, but these are only 36."),
        (40, 12, WINDOWS, "30% of the users came back in the last 20 days."),
    ],
    ids=["many, a small share", "few, a small share", "enough", "too few", "too few either way"],
)
def test_history_is_cut_by_what_teaches_of_enough_users(
    users: int, back: int, scheme: str, reason: str
) -> None:
    plan = splits.plan(leaving(users, back))

    assert (plan.scheme, plan.reason) == (scheme, reason)


def in_order(whole: Interactions, seconds: float, at_once: int = 1) -> Interactions:
    """The same events, whose times say nothing but which of its user's events each is."""
    order = np.argsort(whole.users, kind="stable")
    users = whole.users[order]
    place = np.arange(len(users)) - np.searchsorted(users, users, side="left")
    times = np.empty(len(users))
    times[order] = START + seconds * (place // at_once)
    made_up = replace(whole, times=times)
    return made_up.where(np.argsort(times, kind="stable"))


@pytest.mark.parametrize("users", [3_000, 80, 20], ids=["all", "some", "few"])
@pytest.mark.parametrize(
    ("seconds", "at_once"),
    [(1, 1), (3_600, 1), (86_400, 1), (86_400, 2), (1, 3)],
    ids=["a second", "an hour", "a day", "a day, two at once", "a second, three at once"],
)
def test_a_copy_whose_times_are_a_mere_order_is_recognised(
    users: int, seconds: float, at_once: int
) -> None:
    whole = planted.interactions(users=users)
    some = replace(whole, weights=np.ones(len(whole), dtype=np.float32))

    plan = splits.plan(in_order(some, seconds, at_once))

    assert splits.plan(whole).scheme == WINDOWS
    assert plan.scheme == LAST
    assert " apart, so that times tell no more than their order." in plan.reason
