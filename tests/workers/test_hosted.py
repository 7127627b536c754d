"""Embedding through a hosted model that is not well, by the workers' own tasks."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pytest_django.fixtures import Settings

from recommender.models import (
    CachedEmbedding,
    EmbeddingClaim,
    EmbeddingSpend,
    ProductVector,
    ProviderCircuit,
    QuarantinedProduct,
    Space,
)
from recommender.providers.config import ModelsConfig
from recommender.spaces import lifecycle, quarantine, staleness
from recommender.spaces.lifecycle import create_space, retire
from tests.shop import Shop, numbered
from tests.stub import Behaviour, Stub
from tests.threads import meanwhile, wait_until
from tests.workers.broker import Broker, run_task
from workers import tasks

PRODUCTS = 2_000
POISONED = 20
POISON = "contraband"
WELL = Behaviour(dimension=64, max_rows=10)
# Fails a tenth of the calls and cuts off a twentieth. With this seed never five in a row, which
# would rightly be taken for an outage.
UNWELL = replace(WELL, failing=0.1, dropping=0.05, seed=2, poison={POISON: "DataInspectionFailed"})
DOWN = replace(WELL, failing=1.0)


@contextmanager
def hosted(shop: Shop, settings: Settings, behaviour: Behaviour) -> Iterator[Stub]:
    """A provider of the model that the shop's space has from here on."""
    with Stub(behaviour) as stub:
        entry = {"provider": "dashscope", "base_url": stub.native_url, "dimension": 64}
        limits = {"dimensions": [64], "max_tokens": 8192, "price": 0.07}
        settings.MODELS = ModelsConfig(
            overrides={"unwell": entry | limits}, environment={"DASHSCOPE_API_KEY": "key"}
        )
        Space.objects.filter(catalog=shop.catalog).update(model="unwell")
        yield stub


def assert_embedded(shop: Shop, embedded: int, refused: int) -> None:
    """Every product is done with, and no claim or reserve is left."""
    vectors = ProductVector.objects.filter(space=shop.space)
    assert vectors.exclude(embedding=None).count() == embedded
    assert vectors.count() == embedded + refused
    assert quarantine.count(shop.space) == refused
    assert staleness.count(shop.space) == 0
    assert not EmbeddingClaim.objects.exists()
    assert {spend.reserved for spend in EmbeddingSpend.objects.all()} <= {0}


def test_a_provider_that_is_not_well_costs_time_but_no_product_and_no_money(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    titles = numbered(PRODUCTS - POISONED)
    titles |= {f"bad{number}": f"{POISON} number {number}" for number in range(POISONED)}
    committed_shop.stock(**titles)

    with hosted(committed_shop, settings, UNWELL) as stub:
        tasks.sweep_embeddings()
        broker.work()

    assert stub.record.statuses[500] > 0
    assert stub.record.statuses[0] > 0
    assert_embedded(committed_shop, PRODUCTS - POISONED, POISONED)
    assert set(stub.record.paid.values()) == {1}, "a row was paid for twice"
    assert stub.record.paid.total() == PRODUCTS - POISONED
    assert committed_shop.space.paused_reason == ""


def test_what_was_refused_says_why_and_is_asked_again_when_a_person_wants_it(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(bad=f"{POISON} by the box", **numbered(30))
    with hosted(committed_shop, settings, UNWELL) as stub:
        tasks.sweep_embeddings()
        broker.work()
        refused = QuarantinedProduct.objects.get()
        assert refused.product.external_id == "bad"
        assert refused.code == "DataInspectionFailed"
        assert refused.reason
        asked = stub.record.requests

        tasks.sweep_embeddings()
        broker.work()
        assert stub.record.requests == asked, "what was refused was asked again"

        stub.behave(WELL)
        quarantine.retry(committed_shop.space)
        tasks.sweep_embeddings()
        broker.work()

    assert_embedded(committed_shop, 31, 0)
    assert stub.record.requests == asked + 1


def test_a_provider_that_is_down_pauses_the_space_until_it_is_back(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(**numbered(100))
    with hosted(committed_shop, settings, DOWN) as stub:
        tasks.sweep_embeddings()
        assert broker.work() == ["embed_space"], "a pause is a normal end"
        assert "is down and is asked again in" in committed_shop.space.paused_reason
        assert staleness.count(committed_shop.space) == 100
        asked = stub.record.requests

        for _ in range(3):
            tasks.sweep_embeddings()
            assert broker.work() == ["embed_space"]
        assert stub.record.requests == asked, "a provider that is down was left no peace"

        stub.behave(WELL)
        ProviderCircuit.objects.update(open_until=ProviderCircuit.objects.get().opened_at)
        tasks.sweep_embeddings()
        broker.work()

    assert_embedded(committed_shop, 100, 0)
    assert committed_shop.space.paused_reason == ""
    assert committed_shop.space.paused_at is None


def test_a_budget_that_is_spent_pauses_and_a_larger_one_goes_on(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(**numbered(200))
    catalog = committed_shop.catalog
    with hosted(committed_shop, settings, WELL) as stub:
        catalog.monthly_budget = 0
        catalog.save()
        tasks.sweep_embeddings()
        assert broker.work() == ["embed_space"]
        assert "budget" in committed_shop.space.paused_reason
        assert stub.record.requests == 0

        catalog.monthly_budget = 10
        catalog.save()
        tasks.sweep_embeddings()
        broker.work()

    assert_embedded(committed_shop, 200, 0)
    assert committed_shop.space.paused_reason == ""


def test_another_space_of_the_same_model_costs_nothing(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(**numbered(50))
    with hosted(committed_shop, settings, WELL) as stub:
        other = Shop.open("other")
        other.stock(**numbered(50))
        Space.objects.filter(catalog=other.catalog).update(model="unwell")
        tasks.sweep_embeddings()
        broker.work()

    assert_embedded(committed_shop, 50, 0)
    assert_embedded(other, 50, 0)
    assert stub.record.paid.total() == 50
    assert CachedEmbedding.objects.count() == 50


def test_a_space_that_is_retired_while_it_is_embedded_ends_quietly(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(**numbered(40))

    with hosted(committed_shop, settings, replace(WELL, latency=0.5)) as stub:
        space = create_space(committed_shop.catalog, model="unwell", dimension=64)
        broker.take()

        def retire_it() -> None:
            wait_until(lambda: stub.record.requests > 0)
            retire(space)

        with meanwhile(retire_it):
            run_task("embed_space", [space.pk])

    assert broker.take() == []
    assert not EmbeddingClaim.objects.exists()


def test_a_pause_for_configuration_backs_off_and_asks_the_provider_no_more(
    committed_shop: Shop, broker: Broker, settings: Settings
) -> None:
    committed_shop.stock(mug="Mug")

    with hosted(committed_shop, settings, replace(WELL, api_key="another")) as stub:
        for _ in range(3):
            tasks.sweep_embeddings()
            tasks.embed_space.delay(committed_shop.space.pk, time.time())
            broker.work()
        assert stub.record.requests == 1
        assert "API key" in committed_shop.space.paused_reason

        stub.behave(WELL)
        lifecycle.try_again()
        tasks.sweep_embeddings()
        broker.work()

    assert committed_shop.space.paused_reason == ""
    assert_embedded(committed_shop, 1, 0)
