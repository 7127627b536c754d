"""What happens in a catalog is told, once, in the transaction that makes it so."""

from collections.abc import Iterator
from decimal import Decimal

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from embeddings.errors import BudgetSpent, MediaUnavailable
from recommender.catalog import feeds
from recommender.effect import experiments
from recommender.models import Catalog, Experiment, Feed, TrainingRun, Webhook, WebhookDelivery
from recommender.providers import ledger
from recommender.spaces import lifecycle, quarantine
from recommender.spaces.quarantine import Refusal
from recommender.training import runs
from recommender.webhooks import outbox
from tests.shop import Shop


@pytest.fixture(autouse=True)
def webhook(shop: Shop) -> Webhook:
    return Webhook.objects.create(
        catalog=shop.catalog, name="all", url="https://shop.example/", kinds=Webhook.Kind.values
    )


@pytest.fixture
def woken() -> Iterator[list[int]]:
    """Has an entry each time that workers are told."""
    told: list[int] = []

    def listen(**_: object) -> None:
        told.append(1)

    outbox.deliveries_wait.connect(listen)
    yield told
    outbox.deliveries_wait.disconnect(listen)


def told() -> list[tuple[str, dict[str, object]]]:
    """Kinds and data, the oldest first."""
    rows = WebhookDelivery.objects.order_by("pk")
    return [(row.kind, orjson.loads(row.body)["data"]) for row in rows]


def test_what_is_rolled_back_is_not_told(shop: Shop, woken: list[int]) -> None:
    with transaction.atomic():
        outbox.tell(shop.catalog.pk, Webhook.Kind.FEED, {})
        transaction.set_rollback(True)
    assert told() == []
    outbox.tell(shop.catalog.pk, Webhook.Kind.FEED, {})
    assert len(told()) == 1
    assert len(woken) == 2


def test_who_has_no_webhooks_writes_nothing(woken: list[int], webhook: Webhook) -> None:
    webhook.delete()
    assert outbox.tell(webhook.catalog_id, Webhook.Kind.FEED, {}) == 0
    assert woken == []


def test_a_feed_that_failed_for_good_is_told_without_its_password(shop: Shop) -> None:
    url = "https://shop:secret@shop.example/feed.xml"
    feed = Feed.objects.create(
        catalog=shop.catalog, url=url, every_hours=1, status="running", started_at=timezone.now()
    )
    feed.attempts = 1
    feeds.fail(feed, "Its host did not answer.", may_pass=True)
    assert told() == []

    Feed.objects.update(status="running")
    feeds.fail(feed, "It is no file of products.")
    feeds.fail(feed, "Said once more by a process that had lost it.")
    ((kind, data),) = told()
    assert kind == "feed.failed"
    assert data["error"] == "It is no file of products."
    assert data["address"] == "https://***@shop.example/feed.xml"


def test_products_are_told_when_they_come_into_quarantine_and_not_again(shop: Shop) -> None:
    shop.stock(a="Mug", b="Lamp", c="Tent")
    products = [shop.product(key) for key in "abc"]
    codes = ("DataInspectionFailed", "", MediaUnavailable.__name__)
    refusals = [
        Refusal(product.pk, product.content_hash, code, "Refused.")
        for product, code in zip(products, codes, strict=True)
    ]
    quarantine.add(shop.space, refusals[:1])
    quarantine.add(shop.space, refusals)
    quarantine.add(shop.space, refusals)
    first, second = told()
    assert first[0] == second[0] == "product.quarantined"
    assert first[1]["products"] == [
        {"id": "a", "code": "DataInspectionFailed", "reason": "Refused."}
    ]
    # A picture whose host is down is no product that somebody has to mend.
    assert [row["id"] for row in second[1]["products"]] == ["b"]


def test_products_that_stay_stale_are_told_once_however_often_it_is_tried(shop: Shop) -> None:
    lifecycle.pause(shop.space, "No key.", needs_person=True)
    lifecycle.pause(shop.space, "No key.", needs_person=True)
    lifecycle.resume(shop.space)
    lifecycle.pause(shop.space, "No key.", needs_person=True)
    ((kind, data),) = told()
    assert kind == "product.stale"
    assert data == {"space": str(shop.space), "reason": "No key.", "needs_person": True}


def test_a_budget_that_is_reached_is_told_once_for_each_budget(shop: Shop) -> None:
    entry = ledger.LedgerEntry(ledger.Account(shop.catalog), "m", ledger.today())
    for budget in ("1", "1", "2"):
        Catalog.objects.filter(pk=shop.catalog.pk).update(monthly_budget=Decimal(budget))
        with pytest.raises(BudgetSpent):
            entry.reserve(Decimal(5))
    assert [(kind, data["budget"]) for kind, data in told()] == [
        ("budget.reached", "1.00"),
        ("budget.reached", "2.00"),
    ]


def _step(name: str, outcome: str) -> dict[str, object]:
    return {"name": name, "outcome": outcome, "text": "Why.", "seconds": 1.0, "figures": {}}


@pytest.mark.parametrize(
    ("outcomes", "kind"),
    [
        ({"popularity": "done", "ranker": "done"}, "training.done"),
        ({"popularity": "done", "behaviour spaces": "kept", "ranker": "skipped"},
         "training.refused"),
    ],
)  # fmt: skip
def test_how_a_training_ended_is_told_with_its_reasons(
    shop: Shop, outcomes: dict[str, str], kind: str
) -> None:
    run = TrainingRun.objects.create(
        catalog=shop.catalog, steps=[_step(*pair) for pair in outcomes.items()]
    )
    with runs.claimed(shop.catalog.pk) as claim:
        assert claim is not None
        claim.run.steps = run.steps
        runs.complete(claim.run)
    ((said, data),) = told()
    assert said == kind
    assert data["steps"][0] == {"name": "popularity", "outcome": "done", "text": "Why."}


def test_a_training_that_failed_or_died_is_told_once(shop: Shop) -> None:
    TrainingRun.objects.create(catalog=shop.catalog)
    with pytest.raises(ZeroDivisionError), runs.claimed(shop.catalog.pk):
        raise ZeroDivisionError("no")
    TrainingRun.objects.create(catalog=shop.catalog, status="running")
    runs.fail_dead_runs()
    runs.fail_dead_runs()
    assert [(kind, data["error"]) for kind, data in told()] == [
        ("training.failed", "ZeroDivisionError: no"),
        ("training.failed", runs.DIED),
    ]


def test_an_experiment_that_was_ended_is_told_once(shop: Shop) -> None:
    experiment = Experiment.objects.create(catalog=shop.catalog, name="new", status="running")
    assert experiments.stop(experiment, "seen enough")
    assert not experiments.stop(experiment, "seen enough")
    assert told() == [("experiment.ended", {"experiment": "new", "reason": "seen enough"})]
