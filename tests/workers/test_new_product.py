"""A product that has just come in: its vectors, its neighbours and its first lists."""

import time

import pytest

from recommender.catalog import catalogs
from recommender.engine.answer import Query
from recommender.engine.recommend import recommend
from recommender.engine.related import similar
from recommender.models import TrainingRun
from recommender.ranking.related import CONTENT_ALONE
from recommender.training import run
from recommender.training.fitting import silent
from tests.recommender.training import planted
from tests.shop import Shop
from tests.workers.broker import Broker

pytestmark = pytest.mark.slow

SECONDS = 2.0
BEHAVIOUR_SPACES = 2
NEW = Query(count=10)


def open_trained_shop() -> Shop:
    """Every taste has texts of its own."""
    shop = planted.open_shop(products=24)
    titles = ("Stoneware mug", "Camping tent", "Jigsaw puzzle", "Garden spade")
    shop.put(*({"id": f"p{n}", "title": f"{titles[n % 4]} number {n}"} for n in range(24)))
    shop.embed()
    planted.visits(shop, users=48, products=24, events=5)
    made = TrainingRun.objects.create(catalog=shop.catalog, status=TrainingRun.Status.RUNNING)
    run.train(shop.catalog, made, silent)
    return shop


def test_it_is_in_lists_with_neighbours_within_two_seconds_of_its_upsert(
    transactional_db: None, broker: Broker
) -> None:
    shop = open_trained_shop()
    try:
        recommend(shop.catalog, "u0", NEW)  # what a process loads once
        broker.take()
        began = time.process_time()

        shop.put({"id": "new", "title": "Stoneware mug number 99"})
        catalogs.announce_changes(shop.catalog)
        done = broker.work()
        near = similar(shop.catalog, "new", NEW, CONTENT_ALONE)
        of_others = [similar(shop.catalog, f"p{n}", NEW, CONTENT_ALONE) for n in (0, 4, 8)]
        lists = [recommend(shop.catalog, f"u{user}", Query(count=20)) for user in range(0, 48, 4)]

        assert time.process_time() - began < SECONDS
        assert done.count("embed_space") >= 1 + BEHAVIOUR_SPACES
        assert near.fallback is None
        assert {planted.taste_of(item.id) for item in near.items[:4]} == {0}
        for answer in of_others:
            assert "new" in [item.id for item in answer.items]
        assert sum("new" in [item.id for item in answer.items] for answer in lists) >= 6
    finally:
        catalogs.delete_catalog(shop.catalog)
