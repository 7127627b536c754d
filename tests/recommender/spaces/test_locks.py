from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection, transaction

from recommender import database
from recommender.models import Space
from recommender.spaces import index, locks, partitions, staleness
from recommender.spaces.errors import SpaceError
from recommender.spaces.lifecycle import create_space, retire
from tests.shop import Shop, numbered
from tests.threads import beside, overtaken, wait_until

T = TypeVar("T")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def read(space: Space) -> None:
    """Hold a space's vectors as a search does."""
    index.vector_count(space)


def closing(work: Callable[[], T]) -> T:
    """What a thread's work returns, its connection closed."""
    try:
        return work()
    finally:
        connection.close()


def lock_timeout() -> str:
    return str(database.fetch("SHOW lock_timeout")[0][0])


def test_it_goes_on_when_the_lock_is_free(committed_shop: Shop) -> None:
    space = create_space(committed_shop.catalog, model="fake")

    assert overtaken(lambda: retire(space), holding=lambda: read(space)) > 0

    assert partitions.size(space.pk) == 0


def test_workers_go_on_while_it_waits_for_a_long_transaction(committed_shop: Shop) -> None:
    """Whoever asks for a lock after it queues behind it, but never for long."""
    space = create_space(committed_shop.catalog, model="fake")
    committed_shop.stock(**numbered(3))

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            # What a writer of any space holds of the parent until it commits.
            database.execute("LOCK TABLE recommender_productvector IN ACCESS SHARE MODE")
            retiring = pool.submit(closing, lambda: retire(space))
            wait_until(lambda: database.fetch(WAITING)[0][0] > 0)

            pool.submit(closing, committed_shop.embed).result(timeout=10)

            assert not retiring.done()
        assert retiring.result(timeout=10) > 0

    assert staleness.count(committed_shop.space) == 0


def test_it_gives_up_and_says_why(committed_shop: Shop) -> None:
    space = create_space(committed_shop.catalog, model="fake")

    def give_up() -> str:
        with pytest.raises(SpaceError) as raised:
            locks.retry_on_lock_timeout(lambda: partitions.drop(space.pk), timeout=0.0)
        return str(raised.value)

    assert "in use" in beside(give_up, holding=lambda: read(space))
    assert partitions.size(space.pk) > 0


def test_the_rest_of_a_transaction_waits_as_long_as_before(shop: Shop) -> None:
    before = lock_timeout()

    assert locks.retry_on_lock_timeout(lock_timeout) == "500ms"

    assert lock_timeout() == before
