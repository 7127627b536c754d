"""A split parts a history: nothing is lost, nothing is on both sides."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality import splits
from benchmarks.quality.dataset import History

_EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 20)), min_size=1, max_size=40
)


def history(events: list[tuple[int, int, int]]) -> History:
    users, products, at = np.array(events, np.int64).T
    return History(users=users, products=products, at=at)


def rows(history: History) -> list[tuple[int, int, int]]:
    columns = (history.users.tolist(), history.products.tolist(), history.at.tolist())
    return list(zip(*columns, strict=True))


@given(_EVENTS)
def test_the_last_of_each_user_with_two_is_found(events: list[tuple[int, int, int]]) -> None:
    known, found = splits.last_of_each(history(events))

    assert sorted(rows(known) + rows(found)) == sorted(events)
    assert len(set(found.users.tolist())) == len(found)
    for user, _, at in rows(found):
        assert all(before <= at for one, _, before in rows(known) if one == user)
        assert user in known.users
    alone = {user for user, _, _ in events if [e[0] for e in events].count(user) == 1}
    assert not alone & set(found.users.tolist())


def test_of_events_of_one_time_the_last_in_the_file_is_the_last() -> None:
    _, found = splits.last_of_each(history([(0, 1, 5), (0, 2, 5), (0, 3, 4)]))

    assert found.products.tolist() == [2]


@given(_EVENTS)
def test_a_fifth_of_the_products_of_each_user_is_found(events: list[tuple[int, int, int]]) -> None:
    known, found = splits.fifth_of_each(history(events))

    pairs = {(user, product) for user, product, _ in events}
    of_known, of_found = ({row[:2] for row in rows(part)} for part in (known, found))
    assert of_known | of_found == pairs
    assert not of_known & of_found
    for user in {user for user, _ in pairs}:
        count = sum(one == user for one, _ in pairs)
        expected = max(count // 5, int(count >= 2))
        assert sum(one == user for one, _ in of_found) == expected


def test_the_same_history_is_split_alike() -> None:
    one = history([(user, product, 0) for user in range(6) for product in range(10)])

    assert rows(splits.fifth_of_each(one)[1]) == rows(splits.fifth_of_each(one)[1])


@given(_EVENTS, st.integers(0, 21))
def test_a_moment_parts_what_is_before_it(events: list[tuple[int, int, int]], at: int) -> None:
    known, found = splits.from_time(history(events), at)

    assert sorted(rows(known) + rows(found)) == sorted(events)
    assert all(when < at for _, _, when in rows(known))
    assert all(when >= at for _, _, when in rows(found))


def test_the_last_seconds_include_the_last_event() -> None:
    _, found = splits.last_seconds(history([(0, 1, 5), (0, 2, 9), (0, 3, 10)]), 2)

    assert found.at.tolist() == [9, 10]
