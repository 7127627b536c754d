import pytest

from recommender.insight import runs
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun
from tests.shop import Shop, numbered
from tests.workers.broker import Broker, run_task, run_twice


@pytest.fixture
def filled(committed_shop: Shop, broker: Broker) -> Shop:
    committed_shop.stock(**numbered(12))
    committed_shop.embed()
    broker.take()
    return committed_shop


def ask(shop: Shop) -> InsightRun:
    return runs.request(shop.catalog, KINDS["clusters"], KINDS["clusters"].read({"k": 3}))


def test_what_is_asked_for_is_found_out_by_a_worker(filled: Shop, broker: Broker) -> None:
    run = ask(filled)

    assert broker.work() == ["insight"]

    run.refresh_from_db()
    assert (run.status, run.error) == ("done", "")
    assert run.findings.count() == 12


def test_a_message_that_comes_twice_finds_out_once(filled: Shop, broker: Broker) -> None:
    run = ask(filled)

    run_twice("insight", [run.pk])

    assert run.findings.count() == 12


def test_a_run_whose_message_was_lost_is_taken_up_by_the_sweep(
    filled: Shop, broker: Broker
) -> None:
    run = ask(filled)
    broker.take()

    run_task("sweep_insight", [])

    assert broker.take() == [("insight", [run.pk])]


def test_a_message_for_a_run_that_is_gone_does_nothing(filled: Shop, broker: Broker) -> None:
    run_task("insight", [10**9])

    assert not InsightRun.objects.exists()


def test_what_was_found_out_before_is_made_anew_with_the_same_parameters(
    filled: Shop, broker: Broker
) -> None:
    ask(filled)
    broker.work()

    run_task("renew_insight", [])

    latest = InsightRun.objects.first()
    assert latest is not None
    assert (latest.status, latest.parameters["k"]) == ("waiting", 3)
    # Once more while it waits: nothing is asked for twice.
    run_task("renew_insight", [])
    assert InsightRun.objects.count() == 2


def test_what_can_no_longer_be_found_out_keeps_no_other_from_it(
    filled: Shop, broker: Broker
) -> None:
    ask(filled)
    broker.work()
    filled.catalog.products.update(deleted_at="2025-06-01T00:00:00Z")
    other = Shop.open("other")
    other.stock(**numbered(5))
    other.embed()
    broker.take()
    ask(other)
    broker.work()

    run_task("renew_insight", [])

    waiting = InsightRun.objects.filter(status="waiting")
    assert [run.catalog for run in waiting] == [other.catalog]
