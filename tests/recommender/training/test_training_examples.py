"""What a ranker learns from: nothing it reads had yet to happen."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recommender.models import Mode
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting, splits, training_examples
from recommender.training.behaviour import snapshot_as_of
from recommender.training.splits import Split
from recommender.training.training_examples import SplitExamples
from tests.recommender.training import planted

# From all that is known today and a split, the catalog as of the split, and what it teaches.
Learn = Callable[[Snapshot, Split], Snapshot]


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot()


def honest(now: Snapshot, split: Split) -> Snapshot:
    """As training goes back."""
    return fitting.fit(snapshot_as_of(now, split))


def neighbours_of_today(now: Snapshot, split: Split) -> Snapshot:
    return replace(honest(now, split), neighbours=fitting.fit_neighbours(now))


def spaces_of_today(now: Snapshot, split: Split) -> Snapshot:
    return replace(honest(now, split), spaces=fitting.fit(now).spaces)


def popularity_of_today(now: Snapshot, split: Split) -> Snapshot:
    then = honest(now, split)
    vars(then)["popularity"] = now.popularity
    return then


def history_of_today(now: Snapshot, split: Split) -> Snapshot:
    return replace(honest(now, split), interactions=now.interactions)


def clock_of_today(now: Snapshot, split: Split) -> Snapshot:
    """Ages as of today: they tell how long ago the moment was."""
    return replace(honest(now, split), clock=now.clock)


def learnt(lesson: SplitExamples) -> dict[str, np.ndarray]:
    """All that a ranker can read of a lesson, by name."""
    table = lesson.table
    named = {"candidates": table.products, "sizes": table.sizes}
    return named | {name: table[name] for name in table.columns.places}


def seen_of_the_future(now: Snapshot, split: Split, learn: Learn, mode: str) -> list[str]:
    """What differs when all that happened since had never happened; of the same users."""
    cut = replace(now, clock=split.clock, interactions=split.known)
    with_future, without = learn(now, split), learn(cut, split)
    there = learnt(training_examples.of_split(with_future, split, mode))
    then = learnt(training_examples.of_split(without, split, mode))
    if there.keys() != then.keys():
        return sorted(there.keys() ^ then.keys())
    return [name for name in there if not np.array_equal(there[name], then[name], equal_nan=True)]


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode.values)
@pytest.mark.parametrize("scheme", [None, splits.LAST])
def test_no_feature_sees_its_future(now: Snapshot, mode: str, scheme: str | None) -> None:
    first, *_, last = splits.plan(now.interactions, scheme).splits
    for split in (first, last):
        assert seen_of_the_future(now, split, honest, mode) == []


def test_a_lesson_holds_all_kinds_of_features_so_that_the_check_looks_at_them(
    now: Snapshot,
) -> None:
    split, _ = planted.halfway(now)

    columns = learnt(training_examples.of_split(honest(now, split), split, Mode.ALL))

    assert {name.split(":")[0] for name in columns} == {
        *("candidates", "sizes", "behaviour", "text", "together", "ease", "next"),
        *("popular", "product", "refused", "repeat", "user"),
    }


def test_what_is_fitted_to_a_past_moment_does_not_see_its_future_either(now: Snapshot) -> None:
    split, then = planted.halfway(now)
    cut = replace(now, clock=split.clock, interactions=now.interactions.before(split.clock))

    for trained, again in zip(fitting.fit_spaces(then), fitting.fit_spaces(cut), strict=True):
        assert np.array_equal(trained.space.vectors, again.space.vectors)
        assert trained.space.fold_in is not None
        assert again.space.fold_in is not None
        assert trained.space.fold_in.to_bytes() == again.space.fold_in.to_bytes()
    both = fitting.fit_neighbours(then), fitting.fit_neighbours(cut)
    for kind in both[0]:
        assert (both[0][kind] != both[1][kind]).nnz == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("leak", "shows_in"),
    [
        (neighbours_of_today, "together:all"),
        (spaces_of_today, "behaviour:als:long_term"),
        (popularity_of_today, "popular:week"),
        (history_of_today, "user:events"),
        (clock_of_today, "user:days"),
    ],
)
def test_the_check_catches_a_leak(now: Snapshot, leak: Learn, shows_in: str) -> None:
    split, _ = planted.halfway(now)

    assert shows_in in seen_of_the_future(now, split, leak, Mode.ALL)


def test_what_was_wanted_is_marked_among_the_candidates(now: Snapshot) -> None:
    split, then = planted.halfway(now)
    then = fitting.fit(then)

    examples = training_examples.of_split(then, split, Mode.ALL)

    users = training_examples.evaluable_users(split.relevant, then, 1000)
    assert len(examples.table.sizes) == len(examples.n_relevant) == len(users)
    starts = np.concatenate([[0], np.cumsum(examples.table.sizes)])
    for user, wanted, start, end in zip(
        users, examples.n_relevant, starts, starts[1:], strict=False
    ):
        right = set(split.relevant[[user]].indices)
        assert wanted == len(right)
        listed = then.products.rows(examples.table.products[start:end])
        assert examples.relevant[start:end].tolist() == [int(row in right) for row in listed]


def test_in_mode_new_what_a_user_has_had_is_neither_a_candidate_nor_wanted(now: Snapshot) -> None:
    split, then = planted.halfway(now)

    examples = training_examples.of_split(then, split, Mode.NEW)

    new = training_examples.new_only(split.relevant, then)
    users = training_examples.evaluable_users(new, then, 1000)
    had = then.interactions.binary()
    assert new.multiply(had).nnz == 0
    assert examples.n_relevant.tolist() == np.diff(new.indptr)[users].tolist()
    starts = np.concatenate([[0], np.cumsum(examples.table.sizes)])
    for user, start, end in zip(users, starts, starts[1:], strict=False):
        listed = then.products.rows(examples.table.products[start:end])
        assert not set(listed) & set(had[[user]].indices)


def test_who_had_nothing_good_before_is_not_asked_about() -> None:
    whole = planted.interactions(users=10)
    whole.weights[whole.users == 3] = -1.0
    whole.weights[-1] = 1.0
    whole.users[-1] = 3
    split, then = planted.halfway(planted.snapshot(whole))

    assert split.relevant[[3]].nnz
    assert 3 not in training_examples.evaluable_users(split.relevant, then, 1000)


def test_of_many_users_a_sample_is_taken_and_always_the_same(now: Snapshot) -> None:
    split, then = planted.halfway(now)

    few = training_examples.evaluable_users(split.relevant, then, 10)

    assert len(few) == 10
    assert (np.diff(few) > 0).all()
    assert few.tolist() == training_examples.evaluable_users(split.relevant, then, 10).tolist()


def test_nothing_to_foretell_is_an_empty_lesson(now: Snapshot) -> None:
    split = splits.split_at(now.interactions, now.clock)

    examples = training_examples.of_split(snapshot_as_of(now, split), split, Mode.NEW)

    assert len(examples.table.sizes) == len(examples.table.products) == len(examples.labels) == 0
