import asyncio
import threading

import pytest

from recommender.api.problems import Problem
from recommender.threads import Threads


def test_a_call_waits_for_a_thread_and_the_next_for_neither() -> None:
    asyncio.run(_check_that_the_surplus_is_refused())


async def _check_that_the_surplus_is_refused() -> None:
    threads, go_on = Threads(1, most_waiting=1, seconds=60), threading.Event()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60))
    second = asyncio.create_task(threads.run(str, 2, seconds=60))
    await asyncio.sleep(0)

    with pytest.raises(Problem, match="More is asked than can be answered"):
        await threads.run(str, 3, seconds=60)

    go_on.set()
    assert (await first, await second, await threads.run(str, 4, seconds=60)) == (True, "2", "4")


def test_a_call_that_waits_too_long_is_never_begun() -> None:
    asyncio.run(_check_that_it_is_never_begun())


async def _check_that_it_is_never_begun() -> None:
    threads, go_on, begun = Threads(1, seconds=0.05), threading.Event(), threading.Event()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60))
    await asyncio.sleep(0)

    with pytest.raises(Problem, match="More is asked than can be answered"):
        await threads.run(lambda _: begun.set(), None, seconds=60)

    go_on.set()
    await first
    assert await threads.run(str, 2, seconds=60) == "2"
    assert not begun.is_set()


def test_a_call_that_hangs_is_not_waited_for() -> None:
    asyncio.run(_check_that_it_is_given_up())


async def _check_that_it_is_given_up() -> None:
    threads, go_on = Threads(1, seconds=60), threading.Event()

    with pytest.raises(Problem, match=r"no answer within 0\.05 s"):
        await threads.run(go_on.wait, None, seconds=0.05)

    go_on.set()
    assert await threads.run(str, 2, seconds=60) == "2"


def test_a_caller_who_floods_makes_others_wait_for_one_call_alone() -> None:
    asyncio.run(_check_that_callers_take_turns())


async def _check_that_callers_take_turns() -> None:
    threads, go_on, order = Threads(1, seconds=60), threading.Event(), list[str]()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60, caller="flood"))
    flood = [
        asyncio.create_task(threads.run(order.append, "flood", seconds=60, caller="flood"))
        for _ in range(50)
    ]
    await asyncio.sleep(0)
    others = [
        asyncio.create_task(threads.run(order.append, name, seconds=60, caller=name))
        for name in ("one", "two")
    ]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, *flood, *others)

    # One had its turn before the others came.
    assert order[:4] == ["flood", "flood", "one", "two"]
    assert order.count("flood") == 50


def test_where_the_queue_is_full_a_newcomer_takes_the_last_place_of_who_has_most() -> None:
    asyncio.run(_check_that_the_longest_queue_gives_way())


async def _check_that_the_longest_queue_gives_way() -> None:
    threads, go_on = Threads(1, most_waiting=5, seconds=60), threading.Event()
    first = asyncio.create_task(threads.run(go_on.wait, None, seconds=60, caller="flood"))
    flood = [
        asyncio.create_task(threads.run(str, place, seconds=60, caller="flood"))
        for place in range(5)
    ]
    await asyncio.sleep(0)
    newcomer = asyncio.create_task(threads.run(str, "new", seconds=60, caller="one"))
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="More is asked than can be answered"):
        await threads.run(str, "more", seconds=60, caller="flood")
    go_on.set()

    assert await newcomer == "new"
    assert await first
    ended = await asyncio.gather(*flood, return_exceptions=True)
    assert ended[:4] == ["0", "1", "2", "3"]
    assert isinstance(ended[4], Problem)
    # Nothing is counted twice: all places are free again.
    assert await asyncio.gather(
        *(threads.run(str, place, seconds=60, caller="flood") for place in range(6))
    ) == ["0", "1", "2", "3", "4", "5"]


def test_what_somebody_no_longer_waits_for_is_not_begun() -> None:
    asyncio.run(_check_that_a_call_of_who_has_gone_is_not_begun())


async def _check_that_a_call_of_who_has_gone_is_not_begun() -> None:
    threads, go_on, begun = Threads(1, seconds=60), threading.Event(), threading.Event()
    held = [asyncio.create_task(threads.run(go_on.wait, None, seconds=60)) for _ in range(2)]
    await asyncio.sleep(0)
    gone = asyncio.create_task(threads.run(lambda _: begun.set(), None, seconds=60))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*held)

    assert await threads.run(str, 2, seconds=60) == "2"
    assert not begun.is_set()


def test_of_a_thousand_catalogs_each_waits_for_four_calls_at_most_however_one_floods() -> None:
    """Counted in calls and not in seconds, so that it is the same on every machine."""
    waited = asyncio.run(_waits_beside_a_flood())
    assert len(waited) == 1_000
    # Those that have their turn, and one of the flood's own.
    assert max(waited) <= 4


async def _waits_beside_a_flood() -> list[int]:
    threads, order, is_over = Threads(1, seconds=60), list[str](), asyncio.Event()
    refused = 0

    async def flood() -> None:
        nonlocal refused
        while not is_over.is_set():
            try:
                await threads.run(order.append, "flood", seconds=60, caller="flood")
            except Problem:
                refused += 1
                await asyncio.sleep(0)

    # More than may wait, all the time.
    floods = [asyncio.create_task(flood()) for _ in range(200)]
    await asyncio.sleep(0)
    waited = []
    for number in range(1_000):
        before = len(order)
        name = f"catalog {number}"
        await threads.run(order.append, name, seconds=60, caller=name)
        waited.append(order.index(name, before) - before)
    is_over.set()
    await asyncio.gather(*floods)
    assert refused
    return waited
