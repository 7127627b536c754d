from dataclasses import replace

import numpy as np
import pytest

from recommender.engine import channels, pooling
from recommender.engine.pooling import Pooled, Wish
from recommender.engine.snapshot import Snapshot
from recommender.training import fitting
from tests.recommender.training import planted

NOBODY = np.zeros(0, dtype=np.int64)


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return fitting.fit(planted.snapshot())


def pool_of(
    now: Snapshot,
    *users: int,
    excluded: np.ndarray = NOBODY,
    lists_own: bool = True,
    count: int = 20,
    listable: np.ndarray | None = None,
) -> list[Pooled]:
    return list(
        pooling.pooled(
            now,
            [Wish(user=user, excluded=excluded) for user in users],
            listable=now.products.available if listable is None else listable,
            lists_own=lists_own,
            count=count,
        )
    )


def test_every_channel_speaks_and_what_is_of_the_users_taste_is_ahead(now: Snapshot) -> None:
    (found,) = pool_of(now, 2, lists_own=False)

    assert found.is_personal
    tastes = found.rows % planted.TASTES == 2 % planted.TASTES
    personal = [name for name in found.channels if not name.startswith("popular:")]
    assert {name.split(":")[0] for name in personal} == {"text", "behaviour", "together", "ease"}
    for name in personal:
        scores = found.channels[name]
        assert scores[tastes].mean() > scores[~tastes].mean(), name


def test_a_candidate_may_be_listed_and_is_not_left_out(now: Snapshot) -> None:
    listable = np.arange(40) < 30
    (found,) = pool_of(now, 2, excluded=np.array([0, 2, 4]), listable=listable)

    assert found.rows.tolist() == sorted(found.rows.tolist())
    assert not set(found.rows) & {0, 2, 4, *range(30, 40)}
    assert len(found.rows) > 10


def test_many_users_have_what_each_has_alone(
    now: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [5, -1, 6, 7, 5]
    together = pool_of(now, *users)
    # Blocks of two.
    monkeypatch.setattr(pooling, "_MOST_USERS", 2)

    for found, apart, user in zip(together, pool_of(now, *users), users, strict=True):
        (alone,) = pool_of(now, user)
        for other in (apart, alone):
            assert found.rows.tolist() == other.rows.tolist()
            for name, scores in found.channels.items():
                np.testing.assert_allclose(scores, other.channels[name], rtol=1e-4, atol=1e-5)


def test_a_user_without_history_is_proposed_what_is_popular_and_nothing_personal(
    now: Snapshot,
) -> None:
    (found,) = pool_of(now, -1)

    assert not found.is_personal
    assert len(found.rows) == np.count_nonzero(now.popularity["all"])
    assert (found.facts["user:events"] == 0).all()


def test_own_products_speak_only_where_they_may_be_listed(now: Snapshot) -> None:
    (with_own,), (without,) = (pool_of(now, 3, lists_own=own) for own in (True, False))

    events = now.events_of(3, 500)
    liked = set(now.interactions.products[events[now.interactions.weights[events] > 0]])
    repeated = set(with_own.rows[with_own.facts["repeat:count"] > 0])
    assert repeated
    assert repeated <= liked
    assert not any(without.facts[name].any() for name in ("repeat:count",) if name in without.facts)


def test_a_long_list_has_more_candidates(now: Snapshot) -> None:
    wide = planted.snapshot(planted.interactions(products=400, users=30, events=6))

    (few,), (many,) = (pool_of(wide, 0, count=count) for count in (20, 200))

    assert channels.listed(20) <= len(few.rows) < len(many.rows)


def test_pools_are_joined_with_every_column_and_0_where_one_has_nothing(now: Snapshot) -> None:
    nobody, somebody = pool_of(now, -1, 4)

    joined = pooling.candidate_pool([nobody, somebody])

    assert joined.sizes.tolist() == [len(nobody.rows), len(somebody.rows)]
    assert joined.products.tolist() == [*nobody.rows, *somebody.rows]
    column = joined.channels["behaviour:als:long_term"]
    assert not column[: len(nobody.rows)].any()
    assert (
        column[len(nobody.rows) :].tolist() == somebody.channels["behaviour:als:long_term"].tolist()
    )
    assert pooling.candidate_pool([]).sizes.tolist() == []


def test_without_spaces_or_neighbours_there_is_what_is_popular_and_ones_own(now: Snapshot) -> None:
    (found,) = pool_of(replace(now, spaces=(), neighbours={}), 4)

    assert {name.split(":")[0] for name in found.channels} <= {"popular", "repeat"}
    assert found.is_personal, "there is what the user had"
    assert len(found.rows)


def test_a_catalogue_without_products_has_no_candidates(now: Snapshot) -> None:
    empty = planted.snapshot(
        replace(planted.interactions().where(np.zeros(960, dtype=bool)), n_products=0)
    )

    (found,) = pool_of(empty, -1)

    assert len(found.rows) == 0
    assert not found.is_personal
