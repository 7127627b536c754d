from dataclasses import replace

import numpy as np
import pytest

from recommender.engine.snapshot import Snapshot
from recommender.insight import baseline_lists, baselines, measurement
from recommender.insight.evaluation_result import MethodResult
from recommender.models import Mode
from recommender.training import training_examples
from tests.recommender.training import planted

ALWAYS = {
    *("popular, all time", "popular, 30 days", "item-kNN", "EASE", "ALS (implicit)"),
    *("BPR (implicit)", "fusion"),
}


def measured(now: Snapshot, mode: str, told: list[str] | None = None) -> dict[str, MethodResult]:
    split, then = planted.halfway(now)
    truth = training_examples.new_only(split.relevant, then) if mode == Mode.NEW else split.relevant
    users = training_examples.evaluable_users(truth, then, 1000)
    test = measurement.TestSet(
        k=5,
        relevant=[truth[[user]].indices.astype(np.int64) for user in users],
        history=then.interactions.positive().binary()[users],
        ages=np.full(40, 10.0),
        popularity=then.popularity["all"].astype(np.int64),
        training_users=80,
        listable=then.products.available,
        vectors=None,
    )
    progress = [].append if told is None else told.append
    found = baseline_lists.measured(then, users, test, mode=mode, progress=progress)
    return {each.name: each for each in found}


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot()


def test_every_method_is_measured_and_those_that_learn_beat_what_is_popular(now: Snapshot) -> None:
    told: list[str] = []

    found = measured(now, Mode.NEW, told)

    assert found.keys() == {*ALWAYS, "mean profile"}
    assert {each.kind for each in found.values()} == {"baseline"}
    assert told == [f"baseline {name}" for name in found]
    assert all(each.seconds is not None for each in found.values())
    for name in ("item-kNN", "EASE", "ALS (implicit)"):
        assert found[name].ndcg > found["popular, all time"].ndcg


def test_repeating_is_a_method_where_what_users_had_may_be_listed(now: Snapshot) -> None:
    found = measured(now, Mode.ALL)

    assert found.keys() == {*ALWAYS, "mean profile", "repeat"}
    assert found["repeat"].ndcg > found["popular, all time"].ndcg


def test_without_content_there_is_no_mean_profile(now: Snapshot) -> None:
    assert measured(replace(now, spaces=()), Mode.NEW).keys() == ALWAYS


def test_a_method_that_cannot_be_fitted_says_why(
    now: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "_EASE_PRODUCTS", 30)

    found = measured(now, Mode.NEW)

    assert found["EASE"].metrics == {}
    assert "more than the 30 that fit" in found["EASE"].note
    assert found["item-kNN"].metrics
