import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings.errors import Unavailable
from recommender.providers.places import Slots


def test_who_finds_no_place_is_told_to_come_back() -> None:
    slots = Slots(1)
    with slots.taken(), pytest.raises(Unavailable, match="try again") as busy, slots.taken():
        pass
    assert (busy.value.retry_after, busy.value.is_throttling) == (1, True)
    with slots.taken():
        pass


def test_a_place_that_is_free_again_soon_is_waited_for() -> None:
    slots = Slots(1)

    def briefly(_: int) -> None:
        with slots.taken():
            time.sleep(0.05)

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(briefly, range(3))) == [None] * 3
