import os
import socket
import subprocess
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.history import popularity
from recommender.models import (
    EmbeddingClaim,
    Heartbeat,
    ProductPopularity,
    ProductVector,
    ProfileVector,
    Space,
    User,
)
from recommender.profiles.builder import stale_users
from recommender.spaces import staleness, switching
from recommender.spaces.lifecycle import create_space, delete_space
from recommender.stack import machine
from tests.recommender.spaces.training import factors, predicting, train
from tests.shop import NOON, Shop, event, numbered
from tests.workers.broker import Broker, run_task, run_twice
from workers import tasks


def busy(shop: Shop) -> Shop:
    shop.stock(**numbered(40))
    for number in range(6):
        shop.visit(f"user{number}", f"p{number}", f"p{number + 6}")
    return shop


def assert_all_done(shop: Shop) -> None:
    (backlog,) = switching.backlogs(shop.catalog)
    assert backlog.done
    assert ProductVector.objects.filter(space=shop.space).count() == 40
    assert not EmbeddingClaim.objects.exists()
    assert stale_users(shop.space, after=0, limit=100) == []
    assert shop.space.indexed_rows == 40


def test_a_sweep_embeds_indexes_and_rebuilds_the_profiles(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)

    tasks.sweep_embeddings()
    done = broker.work()

    assert_all_done(committed_shop)
    assert done[:3] == ["embed_space", "finish_space", "refresh_profiles"]


def test_a_product_newer_than_a_training_is_predicted_once_its_text_is_embedded(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(60))
    committed_shop.embed()
    rows = factors(60)
    space = train(committed_shop, rows, prediction=predicting(committed_shop, rows))
    committed_shop.stock(new="A new mug")
    committed_shop.visit("ann", "new")
    broker.take()

    tasks.sweep_embeddings()
    broker.work()

    vector = ProductVector.objects.get(space=space, product=committed_shop.product("new"))
    assert vector.treatment == "predicted"
    assert vector.embedding is not None
    assert all(backlog.done for backlog in switching.backlogs(committed_shop.catalog))
    assert stale_users(space, after=0, limit=10) == []


def test_profiles_are_kept_fresh_in_every_space_that_serves(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    committed_shop.embed()
    space = train(committed_shop)
    broker.take()

    tasks.sweep_profiles()
    broker.work()

    for active in (committed_shop.space, space):
        assert stale_users(active, after=0, limit=10) == []
        assert ProfileVector.objects.filter(space=active).values("user").distinct().count() == 6


def test_every_task_may_run_twice(committed_shop: Shop, broker: Broker) -> None:
    busy(committed_shop)

    for sweep in (tasks.sweep_embeddings, tasks.sweep_profiles, tasks.sweep_popularity):
        sweep()
        sweep()
    broker.work(run_twice)

    assert_all_done(committed_shop)
    assert ProfileVector.objects.values("user").distinct().count() == 6
    assert ProductPopularity.objects.count() == 12


def test_a_sweep_with_nothing_to_do_ends(committed_shop: Shop, broker: Broker) -> None:
    tasks.sweep_embeddings()

    assert broker.work() == ["embed_space", "finish_space", "refresh_profiles"]


def test_every_living_space_is_swept_and_a_retired_one_is_left_alone(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    retired, building = (
        create_space(committed_shop.catalog, model="fake", dimension=8) for _ in range(2)
    )
    Space.objects.filter(pk=retired.pk).update(status=Space.Status.RETIRED)

    tasks.sweep_embeddings()
    broker.work()
    run_task("embed_space", [retired.pk])
    broker.work()

    counts = {
        space: ProductVector.objects.filter(space=space).count()
        for space in (committed_shop.space, building, retired)
    }
    assert counts == {committed_shop.space: 40, building: 40, retired: 0}


def test_tasks_for_what_has_been_deleted_do_nothing(committed_shop: Shop, broker: Broker) -> None:
    space = create_space(committed_shop.catalog, model="fake", dimension=8)
    gone = space.pk
    delete_space(space)

    for name in ("embed_space", "finish_space", "refresh_profiles"):
        run_task(name, [gone])
    run_task("refresh_popularity", [committed_shop.catalog.pk + 1])

    assert broker.take() == []


def test_claims_that_another_worker_holds_are_left_to_it(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    held = staleness.claim(committed_shop.space, owner="other", after=0, limit=15)

    tasks.embed_space.delay(committed_shop.space.pk)
    broker.work()

    assert staleness.count(committed_shop.space) == len(held)
    assert committed_shop.space.indexed_rows == 0, "the space is not finished"

    EmbeddingClaim.objects.update(until=timezone.now())
    tasks.sweep_embeddings()
    broker.work()
    assert_all_done(committed_shop)


def test_a_sweep_starts_nothing_where_a_worker_is_at_it(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    staleness.claim(committed_shop.space, owner="other", after=0, limit=1)
    broker.take()

    tasks.sweep_embeddings()
    assert broker.take() == []

    EmbeddingClaim.objects.update(until=timezone.now())
    tasks.sweep_embeddings()
    assert [name for name, _ in broker.take()] == ["embed_space"]


def test_what_changes_while_a_worker_is_at_it_is_left_to_that_worker(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    staleness.claim(committed_shop.space, owner="other", after=0, limit=1)
    broker.take()

    tasks.embed_space.delay(committed_shop.space.pk, time.time())

    assert broker.work() == ["embed_space"]
    assert staleness.count(committed_shop.space) == 40


def test_what_a_killed_process_of_this_worker_was_at_is_taken_up_at_once(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    killed = subprocess.Popen(["sleep", "60"])
    killed.kill()
    killed.wait()
    asked = (committed_shop.space.pk, time.time())
    for place, pid in enumerate((killed.pid, os.getpid())):
        owner = f"{socket.gethostname()}:{pid}"
        staleness.claim(committed_shop.space, owner=owner, after=0, limit=10 + place)
    broker.take()

    tasks.embed_space.apply(asked)
    assert staleness.count(committed_shop.space) == 40, "the other process will come to it"

    EmbeddingClaim.objects.filter(owner=owner).delete()
    tasks.embed_space.apply(asked)
    assert staleness.count(committed_shop.space) == 0


def test_a_large_backlog_is_worked_at_by_several_processes(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(2_000))
    cores = min(machine.detect().cores, 4)

    tasks.embed_space.delay(committed_shop.space.pk, time.time())
    done = broker.work()

    assert done.count("embed_space") == cores
    assert staleness.count(committed_shop.space) == 0
    assert ProductVector.objects.count() == 2_000


def test_of_tasks_that_hand_over_there_are_never_more(
    committed_shop: Shop, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_SLICE_SECONDS", 0.0)
    committed_shop.stock(**numbered(40))
    for _ in range(20):
        tasks.embed_space.delay(committed_shop.space.pk, time.time())

    waiting = broker.take()
    for name, arguments in waiting:
        run_task(name, arguments)

    assert [name for name, _ in broker.take()] == ["embed_space"]


def unpaid(shop: Shop) -> Space:
    """The shop's space with a model that is not there."""
    Space.objects.filter(pk=shop.space.pk).update(model="no-such-model")
    return shop.space


def test_a_space_whose_model_is_not_there_is_paused_and_tried_again_when_it_is_due(
    committed_shop: Shop, broker: Broker
) -> None:
    space = unpaid(busy(committed_shop))

    tasks.sweep_embeddings()
    assert broker.work() == ["embed_space"]

    space.refresh_from_db()
    assert "no-such-model" in space.paused_reason
    assert space.paused_at is not None
    assert not EmbeddingClaim.objects.exists()

    Space.objects.filter(pk=space.pk).update(model="fake")
    tasks.sweep_embeddings()
    assert broker.work() == [], "it waits a minute"

    Space.objects.filter(pk=space.pk).update(retry_at=timezone.now())
    tasks.sweep_embeddings()
    broker.work()

    assert_all_done(committed_shop)
    assert committed_shop.space.paused_reason == ""


def test_a_pause_ends_the_task_and_its_successors(committed_shop: Shop, broker: Broker) -> None:
    space = unpaid(busy(committed_shop))

    for _ in range(10):
        tasks.embed_space.delay(space.pk, time.time())

    assert broker.work() == ["embed_space"] * 10
    assert broker.take() == []


def test_a_space_that_is_built_has_profiles_that_follow_before_it_serves(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    tasks.sweep_embeddings()
    broker.work()
    building = create_space(committed_shop.catalog, model="fake", dimension=8)
    tasks.sweep_profiles()
    broker.work()
    assert not ProfileVector.objects.filter(space=building).exists(), "it has no vectors yet"

    tasks.sweep_embeddings()
    broker.work()

    assert stale_users(building, after=0, limit=10) == []
    assert ProfileVector.objects.filter(space=building).values("user").distinct().count() == 6

    committed_shop.visit("user0", "p20")
    tasks.sweep_profiles()
    broker.work()

    assert stale_users(building, after=0, limit=10) == []


def test_a_standby_is_neither_embedded_nor_are_its_profiles_rebuilt(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    tasks.sweep_embeddings()
    broker.work()
    space = committed_shop.space
    Space.objects.filter(pk=space.pk).update(status=Space.Status.STANDBY)
    committed_shop.stock(p0="Another title")
    committed_shop.visit("user0", "p20")

    tasks.sweep_embeddings()
    tasks.sweep_profiles()
    run_task("refresh_profiles", [space.pk])
    broker.work()

    assert staleness.count(space) == 1
    assert len(stale_users(space, after=0, limit=10)) == 1


def test_of_a_burst_of_changes_the_first_task_looks_and_the_others_end_at_once(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    key, asked_at = committed_shop.space.pk, time.time() - 5
    broker.take()

    for _ in range(50):
        tasks.embed_space.delay(key, asked_at)

    done = broker.work()
    assert done.count("embed_space") == 50
    assert done.count("finish_space") == 1
    assert_all_done(committed_shop)


def test_what_changes_after_a_look_is_not_taken_for_seen(
    committed_shop: Shop, broker: Broker
) -> None:
    busy(committed_shop)
    tasks.sweep_embeddings()
    broker.work()

    committed_shop.stock(p0="Another title")
    tasks.embed_space.delay(committed_shop.space.pk, time.time())
    broker.work()

    assert_all_done(committed_shop)


def test_profiles_of_many_users_are_rebuilt_batch_by_batch(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(mug="Mug")
    committed_shop.embed()
    committed_shop.post(*(event(f"user{number}", "mug") for number in range(1100)))

    tasks.sweep_profiles()
    done = broker.work()

    assert done == ["refresh_profiles"] * 4
    assert stale_users(committed_shop.space, after=0, limit=10) == []
    assert ProfileVector.objects.filter(kind=ProfileVector.Kind.INTEREST).count() == 1100


def test_popularity_of_every_catalog_is_counted(committed_shop: Shop, broker: Broker) -> None:
    other = Shop.open("other")
    for shop in (committed_shop, other):
        shop.stock(mug="Mug")
        shop.visit("ann", "mug", at=NOON)

    tasks.sweep_popularity()
    broker.work()

    assert ProductPopularity.objects.count() == 2
    assert popularity.clock(other.catalog) > NOON


def test_a_heartbeat_is_one_row_a_host_and_always_the_latest(db: None) -> None:
    tasks.heartbeat()
    first = Heartbeat.objects.get()
    Heartbeat.objects.update(at=first.at - timedelta(hours=1))

    tasks.heartbeat()

    assert Heartbeat.objects.get().at >= first.at
    assert User.objects.count() == 0
