from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recommender.management.commands import train
from recommender.models import Space, TrainingRun
from tests.shop import Shop
from tests.threads import wait_until
from tests.workers.broker import Broker


@pytest.fixture
def little(committed_shop: Shop, broker: Broker) -> Shop:
    """A shop with something that happened, but too little to learn a rank from."""
    committed_shop.stock(mug="Mug", tent="Tent")
    committed_shop.embed()
    committed_shop.visit("ann", "mug", "tent")
    broker.take()
    return committed_shop


@contextmanager
def a_worker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker of one thread that the command takes for one of `up`."""
    monkeypatch.setattr(train, "worker_runs", lambda: True)

    def work() -> None:
        try:
            wait_until(lambda: "train" in broker.work())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        yield
        worker.result(timeout=60)


def call(shop: Shop, *options: str) -> tuple[str, str]:
    """What is printed and what is told meanwhile."""
    printed, told = StringIO(), StringIO()
    call_command("train", "--catalog", shop.catalog.name, *options, stdout=printed, stderr=told)
    return printed.getvalue(), told.getvalue()


def test_the_workers_are_asked_and_it_is_said_how_to_look(little: Shop, broker: Broker) -> None:
    printed, _ = call(little)

    run = TrainingRun.objects.get()
    assert printed.startswith(f"Training {run.pk} of shop is waiting. --wait shows progress")
    assert broker.take() == [("train", [little.catalog.pk])]


def test_who_asks_twice_asks_for_one(little: Shop) -> None:
    assert call(little) == call(little)
    assert TrainingRun.objects.count() == 1


def test_without_a_worker_it_is_done_here_and_every_step_says_what_and_why(little: Shop) -> None:
    printed, told = call(little, "--wait")

    run = TrainingRun.objects.get()
    assert run.status == "done"
    assert "No worker runs here: training in this process." in told
    header, *rows = printed.splitlines()
    assert header.split() == ["step", "outcome", "seconds", "why"]
    for row, step in zip(rows, run.steps, strict=False):
        assert row.startswith(step["name"])
        assert step["outcome"] in row
        assert step["text"] in row
    assert len(run.steps) == 4
    assert rows[-1] == f"Training {run.pk} of shop is done."


def test_where_a_worker_runs_its_steps_are_shown_as_they_come(
    little: Shop, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_worker(broker, monkeypatch):
        printed, told = call(little, "--wait")

    assert "in this process" not in told
    steps = [line.split(":")[0] for line in told.splitlines()]
    assert steps == ["behaviour spaces", "popularity", "co-occurrence", "ranker"]
    assert "is done." in printed


def test_workers_that_do_not_begin_are_not_waited_for(
    little: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "worker_runs", lambda: True)
    monkeypatch.setattr(train, "_PATIENCE_SECONDS", 0.0)

    printed, told = call(little, "--wait")

    assert "The workers have not begun yet: training in this process." in told
    assert "is done." in printed


def test_a_run_that_fails_is_said_with_its_reason(
    little: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        # What died while we waited, as the worker's death leaves it.
        TrainingRun.objects.update(status="running")

    monkeypatch.setattr(train, "worker_runs", lambda: True)
    monkeypatch.setattr(train.Command, "_train", fail)
    monkeypatch.setattr(train, "_PATIENCE_SECONDS", 0.0)

    with pytest.raises(CommandError, match=r"Training \d+ of shop failed: Its worker died"):
        call(little, "--wait")


def test_a_second_training_makes_no_mess(little: Shop) -> None:
    call(little, "--wait")
    call(little, "--wait")

    assert [run.status for run in TrainingRun.objects.all()] == ["done", "done"]
    assert Space.objects.filter(status="active", name="text").count() == 1


def test_an_unknown_catalog_is_said_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"There is no catalog 'shpo' \(there are: shop\)"):
        call_command("train", "--catalog", "shpo")
    assert not TrainingRun.objects.exists()
