import time
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from recommender.catalog import sync
from recommender.engine import answer_log
from recommender.engine.answer_log import ListedAnswer
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


@pytest.mark.django_db
def test_what_lists_have_shown_is_forgotten_after_an_hour() -> None:
    # In the middle of the oldest slot that is not the present one's.
    slot, now = 15 * 60, time.time()
    writer, ages = answer_log.Writer(), (0, now - (now // slot - 4.5) * slot)
    for seconds in ages:
        at = int(1000 * (time.time() - seconds))
        writer.add(
            ListedAnswer(
                rec_id=UUID(int=at << 80),
                catalog_id=1,
                operation="new",
                subject="",
                request=partial(str, "{}"),
                is_vouched=False,
                items=("mug",),
                tail=(),
            )
        )
    writer.flush()

    run_twice("prune_answers", [])

    tables = [f"recommender_listedanswer_{slot}" for slot in range(answer_log.SLOTS)]
    rows = " UNION ALL ".join(f"SELECT rec_id FROM {table}" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(rows)
        kept = cursor.fetchall()
    assert [round(time.time() - (key.int >> 80) / 1000) // 60 for (key,) in kept] == [0]
