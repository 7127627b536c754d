from datetime import timedelta

import pytest
from django.utils import timezone

from recommender.catalog import sync
from recommender.models import CachedEmbedding, SeenProduct, Sync
from recommender.providers import ledger
from tests.shop import Shop
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
