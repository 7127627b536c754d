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
