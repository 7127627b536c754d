"""The step that chooses settings: when it searches, what it remembers, and what it says."""

from dataclasses import asdict, replace

import pytest
from django.test import override_settings

from recommender.behaviour.settings import AlsSettings, LearnerSettings
from recommender.models import Catalog, TrainingRun
from recommender.training import learner_settings, splits
from recommender.training.fitting import silent
from recommender.training.learner_settings import Chosen
from tests.recommender.training import planted
from tests.shop import Shop

NOW = planted.snapshot(planted.interactions(users=120, products=60, events=10))


def choose(catalog: Catalog, users: int = 120) -> Chosen:
    now = NOW
    if users != 120:
        now = planted.snapshot(planted.interactions(users=users, products=60, events=10))
    chosen = learner_settings.choose(catalog, now, splits.plan(now.interactions), silent)
    learner_settings.remember(catalog, chosen)
    return chosen


def test_the_first_training_searches_and_the_next_remembers(shop: Shop) -> None:
    first, second = choose(shop.catalog), choose(shop.catalog)

    assert (first.outcome.outcome, second.outcome.outcome) == ("done", "kept")
    assert first.snapshot.learners == second.snapshot.learners
    assert second.outcome.figures["chosen"] == first.snapshot.learners.to_json()
    assert set(first.outcome.figures["ndcg"]) == {"EASE", "co-occurrence", "ALS"}
    assert not second.is_new
    stored = Catalog.objects.get(pk=shop.catalog.pk).learner_settings
    assert LearnerSettings.from_json(stored["settings"]) == first.snapshot.learners


def test_a_catalog_that_has_grown_by_more_than_a_quarter_is_searched_again(shop: Shop) -> None:
    choose(shop.catalog)

    assert choose(shop.catalog, users=130).outcome.outcome == "kept"
    assert choose(shop.catalog, users=160).outcome.outcome == "done"


def test_other_settings_than_before_are_told_as_new(shop: Shop) -> None:
    found = choose(shop.catalog).snapshot.learners
    other = replace(found, als=AlsSettings(dimension=7))
    shop.catalog.learner_settings = {"settings": other.to_json(), "of": {"events": 1}}

    assert choose(shop.catalog).is_new


def test_a_training_that_died_before_its_spaces_is_followed_by_another_search(shop: Shop) -> None:
    plan = splits.plan(NOW.interactions)
    other = AlsSettings(dimension=7)
    shop.catalog.learner_settings = {"settings": {"als": asdict(other)}, "of": {"events": 1}}

    first, second = (learner_settings.choose(shop.catalog, NOW, plan, silent) for _ in range(2))

    assert first.is_new
    assert second.is_new
    assert second.outcome.outcome == "done"


def test_too_little_history_leaves_the_defaults_and_remembers_nothing(shop: Shop) -> None:
    now = planted.snapshot(planted.interactions(users=5, products=20, events=3))

    chosen = learner_settings.choose(shop.catalog, now, splits.plan(now.interactions), silent)
    learner_settings.remember(shop.catalog, chosen)

    assert chosen.outcome.outcome == "skipped"
    assert chosen.outcome.text.endswith("The defaults are used.")
    assert chosen.snapshot.learners == LearnerSettings()
    assert not Catalog.objects.get(pk=shop.catalog.pk).learner_settings


@pytest.mark.parametrize(
    ("share", "seconds"), [(1 / 3, 120.0), (0.5, 200.0), (0.6, 300.0), (0.0, 0.0)]
)
def test_a_search_may_take_its_share_of_what_the_last_training_took(
    shop: Shop, share: float, seconds: float
) -> None:
    TrainingRun.objects.create(
        catalog=shop.catalog,
        status=TrainingRun.Status.DONE,
        steps=[
            {"name": learner_settings.NAME, "seconds": 500.0},
            {"name": "behaviour spaces", "seconds": 150.0},
            {"name": "ranker", "seconds": 50.0},
        ],
    )

    with override_settings(TUNING_SHARE=share):
        assert learner_settings.seconds_for(shop.catalog) == pytest.approx(seconds)


def test_without_time_the_defaults_serve_and_the_step_says_what_was_not_tried() -> None:
    plan = splits.plan(NOW.interactions)

    chosen = learner_settings.searched(NOW, plan, -1.0, silent)

    assert chosen.snapshot.learners == LearnerSettings()
    assert "not all were tried of co-occurrence, EASE, ALS" in chosen.outcome.text
