from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.catalog import sync
from recommender.models import CachedEmbedding, SearchWord, SeenProduct, Sync
from recommender.providers import ledger
from recommender.retrieval import vocabulary
from tests.shop import Shop
from tests.workers.broker import Broker, run_task, run_twice
from workers import celery_app, tasks


@pytest.mark.django_db
def test_the_cache_loses_what_was_not_used_for_long() -> None:
    for number, days in enumerate((0, 399, 401)):
        CachedEmbedding.objects.create(
            digest=bytes([number]) * 32,
            model="hosted",
            vector=b"",
            tokens=1,
            used_on=ledger.today() - timedelta(days=days),
        )

    tasks.prune_embedding_cache()

    assert CachedEmbedding.objects.count() == 2


def test_syncs_that_nobody_went_on_with_are_removed(shop: Shop) -> None:
    for token in ("old", "new"):
        sync.see(sync.begin(shop.catalog, token), ["mug"], has_products=True)
    Sync.objects.filter(token="old").update(used_at=timezone.now() - timedelta(days=9))

    tasks.prune_embedding_cache()

    assert [row.sync.token for row in SeenProduct.objects.all()] == ["new"]


def test_a_worker_knows_the_task() -> None:
    assert "workers.prune_embedding_cache" in celery_app.tasks


def test_words_are_counted_soon_after_products_have_changed(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(a="A teapot", b="Two teapots")

    tasks.sweep_words()
    assert broker.work() == ["count_words"]
    tasks.sweep_words()
    assert broker.take() == []

    assert SearchWord.objects.get(word="teapot").products == 1
    assert vocabulary.due() == []
    run_twice("count_words", [committed_shop.catalog.pk])
    run_task("count_words", [0])
