import pytest
from django.conf import settings
from django.utils import timezone

from recommender.insight import evaluations
from recommender.models import Catalog, EvaluationRun, TrainingRun
from recommender.training import runs
from tests.recommender.training.planted import STEPS
from tests.shop import DAY, NOON, Shop, numbered
from tests.workers.broker import Broker, run_task, run_twice
from workers import celery_app, learning


def busy(shop: Shop, users: int = 40) -> Shop:
    """Users of today who come back: enough to be replayed."""
    shop.stock(**numbered(30))
    shop.embed()
    now = timezone.now()
    for user in range(users):
        for visit in range(4):
            product = f"p{(user + 4 * visit) % 30}"
            shop.visit(f"user{user}", product, at=now - (20 - 5 * visit) * DAY)
    return shop


@pytest.mark.slow
def test_what_is_asked_for_is_trained_by_a_worker(committed_shop: Shop, broker: Broker) -> None:
    busy(committed_shop)
    broker.take()

    run = runs.request(committed_shop.catalog)
    assert broker.work()[0] == "train"

    run.refresh_from_db()
    assert (run.status, run.error) == ("done", "")
    assert [step["name"] for step in run.steps] == STEPS
    assert run.trained_until is not None


def test_with_too_little_to_learn_from_a_step_is_skipped_and_says_why(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    broker.take()

    run = runs.request(committed_shop.catalog)
    broker.work()

    run.refresh_from_db()
    assert run.status == "done"
    skipped = [step for step in run.steps if step["outcome"] == "skipped"]
    assert "ranker" in [step["name"] for step in skipped]
    assert all(step["text"] for step in skipped)


def test_a_message_that_comes_twice_trains_once(committed_shop: Shop, broker: Broker) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug")
    broker.take()

    runs.request(committed_shop.catalog)
    broker.work(run_twice)
    run_task("train", [committed_shop.catalog.pk])

    run = TrainingRun.objects.get()
    assert [step["name"] for step in run.steps] == STEPS


def test_what_killed_a_worker_is_not_tried_again_by_the_message_that_comes_back(
    shop: Shop,
) -> None:
    dead = TrainingRun.objects.create(catalog=shop.catalog, status="running")

    learning.train(shop.catalog.pk)

    assert TrainingRun.objects.get() == dead
    dead.refresh_from_db()
    assert dead.steps == []


def test_the_sweep_asks_for_the_training_of_catalogs_with_new_events(
    committed_shop: Shop, broker: Broker
) -> None:
    other = Shop.open("other")
    for shop in (committed_shop, other):
        shop.stock(mug="Mug")
    committed_shop.visit("ann", "mug", at=NOON)
    broker.take()

    learning.sweep_training()
    learning.sweep_training()
    assert broker.take() == [("train", [committed_shop.catalog.pk])] * 2
    learning.train(committed_shop.catalog.pk)
    broker.take()

    learning.sweep_training()
    assert broker.take() == []
    assert TrainingRun.objects.count() == 1


@pytest.mark.slow
def test_live_catalogs_are_evaluated_in_both_modes(committed_shop: Shop, broker: Broker) -> None:
    busy(committed_shop)
    museum = Shop.open("museum", clock=Catalog.Clock.LAST_EVENT)
    busy(museum)
    broker.take()

    learning.sweep_evaluations()
    assert broker.work() == ["evaluate"]

    kept = EvaluationRun.objects.filter(catalog=committed_shop.catalog)
    assert sorted(kept.values_list("mode", flat=True)) == ["all", "new"]
    assert not EvaluationRun.objects.filter(catalog=museum.catalog).exists()
    assert evaluations.trend(committed_shop.catalog.pk, "new", 10)


def test_a_catalog_with_too_little_history_is_not_evaluated(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug", at=timezone.now())

    learning.evaluate(shop.catalog.pk)

    assert not EvaluationRun.objects.exists()


@pytest.mark.django_db
def test_a_catalog_that_is_gone_is_neither_trained_nor_evaluated() -> None:
    learning.train(0)
    learning.evaluate(0)
    assert not TrainingRun.objects.exists()
    assert not EvaluationRun.objects.exists()


def test_no_task_outlasts_what_the_broker_waits_before_it_gives_it_to_another() -> None:
    patience = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    mine = {name: task for name, task in celery_app.tasks.items() if name.startswith("workers.")}
    assert {"workers.train", "workers.evaluate"} <= set(mine)
    for task in mine.values():
        assert (task.time_limit or settings.CELERY_TASK_TIME_LIMIT) < patience
