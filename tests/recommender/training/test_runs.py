from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from recommender.locks import LockLostError
from recommender.models import Catalog, TrainingRun
from recommender.training import runs
from recommender.training.fitting import silent
from recommender.training.run import train
from tests.recommender.test_locks import end_lock_sessions
from tests.shop import DAY, NOON, Shop
from tests.threads import at_once, beside

Status = TrainingRun.Status


@pytest.fixture
def told() -> Iterator[list[int]]:
    """The catalogs that workers were told to train."""
    told: list[int] = []

    def listen(catalog_id: int, **_: object) -> None:
        told.append(catalog_id)

    runs.training_requested.connect(listen)
    yield told
    runs.training_requested.disconnect(listen)


def of(shop: Shop) -> list[str]:
    """The states of all runs, the oldest first."""
    return [run.status for run in TrainingRun.objects.filter(catalog=shop.catalog).order_by("pk")]


def test_a_request_waits_and_workers_are_told(shop: Shop, told: list[int]) -> None:
    run = runs.request(shop.catalog)

    assert run.status == Status.WAITING
    assert told == [shop.catalog.pk]


def test_who_asks_again_gets_the_run_that_waits_and_workers_are_told_again(
    shop: Shop, told: list[int]
) -> None:
    assert runs.request(shop.catalog) == runs.request(shop.catalog)
    assert told == [shop.catalog.pk] * 2


def test_of_those_who_ask_at_once_nobody_makes_a_second(committed_shop: Shop) -> None:
    keys = at_once(4, lambda _: runs.request(committed_shop.catalog).pk)

    assert len(set(keys)) == 1
    assert of(committed_shop) == [Status.WAITING]


def test_who_asks_while_one_runs_gets_that(shop: Shop, told: list[int]) -> None:
    asked = runs.request(shop.catalog)
    with runs.claimed(shop.catalog.pk) as claim:
        assert claim is not None
        assert runs.request(shop.catalog) == claim.run == asked
    assert told == [shop.catalog.pk]


def test_a_claimed_run_is_running_and_then_done(shop: Shop) -> None:
    runs.request(shop.catalog)

    with runs.claimed(shop.catalog.pk) as claim:
        assert claim is not None
        run = claim.run
        assert run.catalog == shop.catalog
        assert run.started_at is not None
        assert of(shop) == [Status.RUNNING]

    assert of(shop) == [Status.DONE]
    run.refresh_from_db()
    assert run.finished_at is not None


def test_what_the_training_says_of_its_end_stays(shop: Shop) -> None:
    asked = runs.request(shop.catalog)
    at = timezone.now() - DAY

    with runs.claimed(shop.catalog.pk) as claim:
        assert claim is not None
        run = claim.run
        run.status, run.error, run.finished_at = Status.FAILED, "No disk.", at
        run.save()

    asked.refresh_from_db()
    assert (asked.status, asked.error, asked.finished_at) == (Status.FAILED, "No disk.", at)


def test_a_training_that_raises_has_failed_and_says_of_what(shop: Shop) -> None:
    asked = runs.request(shop.catalog)

    with pytest.raises(MemoryError), runs.claimed(shop.catalog.pk):
        raise MemoryError("too many events")

    asked.refresh_from_db()
    assert (asked.status, asked.error) == (Status.FAILED, "MemoryError: too many events")
    assert runs.request(shop.catalog) != asked


def test_a_message_that_comes_twice_finds_nothing_to_do(committed_shop: Shop) -> None:
    runs.request(committed_shop.catalog)

    def claim(_: int) -> bool:
        with runs.claimed(committed_shop.catalog.pk) as claim:
            return claim is not None

    assert sum(at_once(3, claim)) == 1
    assert claim(0) is False


def test_one_training_of_a_catalog_at_a_time(committed_shop: Shop, told: list[int]) -> None:
    other = Shop.open("other")
    for shop in (committed_shop, other):
        runs.request(shop.catalog)

    def try_to_claim(shop: Shop) -> bool:
        with runs.claimed(shop.catalog.pk) as claim:
            return claim is not None

    with runs.claimed(committed_shop.catalog.pk) as claim:
        assert claim is not None
        TrainingRun.objects.create(catalog=committed_shop.catalog)
        told.clear()
        assert not at_once(1, lambda _: try_to_claim(committed_shop))[0]
        assert at_once(1, lambda _: try_to_claim(other))[0]

    assert told == [committed_shop.catalog.pk], "who came meanwhile is told that it is free"
    assert try_to_claim(committed_shop)


def test_a_training_keeps_its_lock_where_the_working_connection_reconnects(
    committed_shop: Shop,
) -> None:
    runs.request(committed_shop.catalog)

    def claim_again() -> bool:
        with runs.claimed(committed_shop.catalog.pk) as second:
            return second is not None

    with runs.claimed(committed_shop.catalog.pk) as claim:
        assert claim is not None
        connection.close()
        claim.check()
        assert runs.fail_dead_runs() == 0
        TrainingRun.objects.create(catalog=committed_shop.catalog)
        assert not at_once(1, lambda _: claim_again())[0]

    assert of(committed_shop) == [Status.DONE, Status.WAITING]


def test_a_training_that_lost_its_lock_stops_and_has_failed(committed_shop: Shop) -> None:
    asked = runs.request(committed_shop.catalog)

    def lose_the_lock() -> None:
        with runs.claimed(committed_shop.catalog.pk) as claim:
            assert claim is not None
            end_lock_sessions()
            train(committed_shop.catalog, claim.run, silent, claim.check)

    with pytest.raises(LockLostError, match="Start it again"):
        lose_the_lock()

    asked.refresh_from_db()
    assert asked.status == Status.FAILED
    assert "held the lock of training" in asked.error
    assert asked.steps == []


def test_a_run_whose_worker_died_has_failed_and_says_so(committed_shop: Shop) -> None:
    asked = runs.request(committed_shop.catalog)

    with runs.claimed(committed_shop.catalog.pk):
        assert runs.fail_dead_runs() == 0
        end_lock_sessions()
        assert runs.fail_dead_runs() == 1

    asked.refresh_from_db()
    assert (asked.status, asked.error) == (Status.FAILED, runs.DIED)
    assert asked.finished_at is not None


def test_who_asks_after_a_death_gets_a_new_run(shop: Shop) -> None:
    TrainingRun.objects.create(catalog=shop.catalog, status=Status.RUNNING)

    runs.request(shop.catalog)

    assert of(shop) == [Status.FAILED, Status.WAITING]


def test_who_takes_up_a_training_buries_the_one_that_died(shop: Shop) -> None:
    TrainingRun.objects.create(catalog=shop.catalog, status=Status.RUNNING)
    TrainingRun.objects.create(catalog=shop.catalog)

    with runs.claimed(shop.catalog.pk):
        assert of(shop) == [Status.FAILED, Status.RUNNING]


def test_the_living_are_not_buried(committed_shop: Shop) -> None:
    runs.request(committed_shop.catalog)
    with runs.claimed(committed_shop.catalog.pk):
        assert beside(runs.fail_dead_runs, holding=lambda: None) == 0
    assert of(committed_shop) == [Status.DONE]


def test_a_training_is_due_where_events_came_since_the_last(shop: Shop) -> None:
    shop.stock(mug="Mug")
    assert runs.due() == []

    shop.visit("ann", "mug", at=NOON)
    assert runs.due() == [shop.catalog]

    until = NOON + timedelta(microseconds=1)
    TrainingRun.objects.create(catalog=shop.catalog, status="done", trained_until=until)
    TrainingRun.objects.create(catalog=shop.catalog, status="failed")
    assert runs.due() == []

    shop.visit("ann", "mug", at=NOON + DAY)
    assert runs.due() == [shop.catalog]


def test_the_latest_runs_of_each_catalog_are_kept(shop: Shop) -> None:
    other = Catalog.objects.create(name="other")
    few = TrainingRun.objects.create(catalog=other)
    many = [TrainingRun(catalog=shop.catalog) for _ in range(runs.KEPT + 3)]
    made = TrainingRun.objects.bulk_create(many)

    runs.prune()

    kept = {run.pk for run in TrainingRun.objects.all()}
    assert kept == {few.pk, *(run.pk for run in made[3:])}
