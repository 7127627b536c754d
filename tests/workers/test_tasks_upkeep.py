from datetime import timedelta

import pytest

from recommender.models import CachedEmbedding
from recommender.providers import ledger
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


def test_a_worker_knows_the_task() -> None:
    assert "workers.prune_embedding_cache" in celery_app.tasks
