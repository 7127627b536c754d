import pytest

from recommender.engine.snapshot import Snapshot
from recommender.models import Mode, Ranker
from recommender.ranking.fusion import FusionRanker
from recommender.training import ranker, run, splits
from tests.recommender.training import planted
from tests.shop import Shop, event


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot(planted.interactions(users=60, events=8))


def test_a_mode_is_learnt_from_every_split_and_its_choice_says_why(now: Snapshot) -> None:
    told: list[str] = []
    plan = splits.plan(now.interactions)

    found = ranker.learn(now, plan, [Mode.NEW], told.append)

    assert list(found) == [Mode.NEW]
    assert found[Mode.NEW].reason
    assert sum(line.startswith("going back to ") for line in told) == len(plan.splits)
    assert sum(line.startswith("replaying split ") for line in told) == len(plan.splits)


def test_where_last_events_are_held_out_their_spaces_are_learnt_once(now: Snapshot) -> None:
    told: list[str] = []
    plan = splits.plan(now.interactions, splits.LAST)

    found = ranker.learn(now, plan, [Mode.NEW], told.append)

    assert len(plan.splits) == 2
    assert sum(line.startswith("going back to ") for line in told) == 1
    assert found[Mode.NEW].users > 0


def test_without_anything_to_learn_from_fusion_ranks_every_mode(now: Snapshot) -> None:
    nothing = splits.plan(now.interactions.where(now.interactions.weights > 99))

    found = ranker.learn(now, nothing, Mode.values, lambda _: None)

    assert set(found) == set(Mode.values)
    for selection in found.values():
        assert isinstance(selection.ranker, FusionRanker)
        assert selection.reason == "No event speaks for a product."


def test_with_too_little_history_it_is_skipped_and_no_ranker_is_stored(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug"))

    outcome = ranker.train(shop.catalog, run.present(shop.catalog), lambda _: None)

    assert outcome.outcome == "skipped"
    assert "at least 100, 10 and 10 are needed" in outcome.text
    assert not Ranker.objects.exists()
