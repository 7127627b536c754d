from dataclasses import dataclass, replace

import numpy as np
import pytest

from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.config import BATCH
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting
from tests.recommender.training import planted

NOBODY = np.zeros(0, dtype=np.int64)


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return fitting.fit(planted.snapshot())


@dataclass(frozen=True)
class Found:
    rows: np.ndarray
    is_personal: bool
    context: UserContext
    candidates: Candidates

    @property
    def table(self):
        return self.candidates.table


def found_for(
    now: Snapshot,
    *users: int,
    excluded: np.ndarray = NOBODY,
    lists_own: bool = True,
    count: int = 20,
    listable: np.ndarray | None = None,
) -> list[Found]:
    """Each user's candidates."""
    store = SnapshotStore(now, now.products.available if listable is None else listable, lists_own)
    pipeline = Pipeline(store, count)
    proposals = []
    for context in store.contexts([SnapshotUser(user, excluded) for user in users]):
        candidates = pipeline.candidates(context)
        rows = now.products.rows(candidates.table.products)
        proposals.append(Found(rows, pipeline.is_personal(context), context, candidates))
    return proposals


def test_every_source_speaks_and_what_is_of_the_users_taste_is_ahead(now: Snapshot) -> None:
    (proposal,) = found_for(now, 2, lists_own=False)

    assert proposal.is_personal
    tastes = proposal.rows % planted.TASTES == 2 % planted.TASTES
    personal = [name for name in proposal.table.columns.scores if not name.startswith("popular:")]
    assert {name.split(":")[0] for name in personal} == {
        *("text", "behaviour", "together", "ease", "next")
    }
    for name in personal:
        scores = proposal.table[name]
        assert scores[tastes].mean() > scores[~tastes].mean(), name


def test_a_candidate_may_be_listed_and_is_not_left_out(now: Snapshot) -> None:
    listable = np.arange(40) < 30
    (proposal,) = found_for(now, 2, excluded=np.array([0, 2, 4]), listable=listable)

    assert proposal.rows.tolist() == sorted(proposal.rows.tolist())
    assert not set(proposal.rows) & {0, 2, 4, *range(30, 40)}
    assert len(proposal.rows) > 10


def test_many_users_have_what_each_has_alone(now: Snapshot) -> None:
    users = [5, -1, 6, 7, 5]
    for proposal, user in zip(found_for(now, *users), users, strict=True):
        (alone,) = found_for(now, user)
        assert proposal.rows.tolist() == alone.rows.tolist()
        np.testing.assert_allclose(proposal.table.values, alone.table.values, rtol=1e-4, atol=1e-5)


def test_a_user_without_history_is_proposed_what_is_popular_and_nothing_personal(
    now: Snapshot,
) -> None:
    (proposal,) = found_for(now, -1)

    assert not proposal.is_personal
    assert len(proposal.rows) == np.count_nonzero(now.popularity["all"])
    assert (proposal.table["user:events"] == 0).all()


def test_own_products_speak_only_where_they_may_be_listed(now: Snapshot) -> None:
    (with_own,), (without,) = (found_for(now, 3, lists_own=own) for own in (True, False))

    events = now.events_of(3, 500)
    liked = set(now.interactions.products[events[now.interactions.weights[events] > 0]])
    repeated = set(with_own.rows[with_own.table["repeat:count"] > 0])
    assert repeated
    assert repeated <= liked
    assert not [name for name in without.table.columns.places if name.startswith("repeat")]


def test_a_long_list_has_more_candidates(now: Snapshot) -> None:
    wide = planted.snapshot(planted.interactions(products=400, users=30, events=6))

    (few,), (many,) = (found_for(wide, 0, count=count) for count in (20, 200))

    assert BATCH.proposals_for(20) <= len(few.rows) < len(many.rows)


def test_without_spaces_or_neighbours_there_is_what_is_popular_and_ones_own(now: Snapshot) -> None:
    (proposal,) = found_for(replace(now, spaces=(), neighbours={}), 4)

    scores = proposal.table.columns.scores
    assert {name.split(":")[0] for name in scores} == {"popular", "repeat"}
    assert proposal.is_personal, "there is what the user had"
    assert len(proposal.rows)


def test_a_catalog_without_products_has_no_candidates(now: Snapshot) -> None:
    empty = planted.snapshot(
        replace(planted.interactions().where(np.zeros(960, dtype=bool)), n_products=0)
    )

    (proposal,) = found_for(empty, -1)

    assert len(proposal.rows) == 0
    assert not proposal.is_personal
