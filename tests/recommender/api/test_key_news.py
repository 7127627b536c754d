"""A changed key is known at once to whoever listens, and within half a second to whoever cannot."""

import asyncio
import time
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any

import psycopg
import pytest
from django.db import connection
from structlog.testing import capture_logs

from recommender import asgi
from recommender.api import auth, key_news
from recommender.api.key_news import KeyNews
from recommender.catalog import catalogs, keys
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.shop import Shop

# Far less than a key is remembered for, where nothing is heard.
_SOON = 0.4


@pytest.fixture
def heard(committed_shop: Shop) -> Iterator["Queue[int | None]"]:
    """What a listener hears, of everything that is committed."""
    queue: Queue[int | None] = Queue()
    news = KeyNews(queue.put)
    news.start()
    assert news.wait(20)
    assert queue.get(timeout=5) is None  # what was before it listened
    yield queue
    news.stop()


def next_of(queue: "Queue[int | None]") -> int | None:
    return queue.get(timeout=5)


def test_every_change_of_a_key_is_heard_by_whatever_way_it_comes(committed_shop: Shop, heard: Any):
    catalogs.create_key(committed_shop.catalog, "server")
    key = ApiKey.objects.get()
    keys.change(key, requests_per_minute=5)
    assert next_of(heard) == key.pk
    ApiKey.objects.filter(pk=key.pk).update(origins=["https://a.test"])
    assert next_of(heard) == key.pk
    keys.revoke(key)
    assert next_of(heard) == key.pk
    ApiKey.objects.filter(pk=key.pk).delete()
    assert next_of(heard) == key.pk


def test_a_use_that_is_noted_is_no_change(committed_shop: Shop, heard: Any):
    catalogs.create_key(committed_shop.catalog, "server")
    keys.note_use(ApiKey.objects.get())
    with pytest.raises(Empty):
        heard.get(timeout=0.3)


def test_two_memories_refuse_a_revoked_key_long_before_they_would_forget_it(committed_shop: Shop):
    """As two processes have them, each with a connection of its own."""
    plain = catalogs.create_key(committed_shop.catalog, "server")
    key = keys.find_key(plain)
    memories: list[dict[int, float]] = [{}, {}]
    listeners = [KeyNews(_noting(memory)) for memory in memories]
    try:
        for one in listeners:
            one.start()
            assert one.wait(20)
        keys.revoke(key)
        said = time.monotonic()
        while not all(key.pk in memory for memory in memories) and time.monotonic() < said + 5:
            time.sleep(0.001)
        assert all(memory[key.pk] - said < _SOON for memory in memories)
    finally:
        for one in listeners:
            one.stop()


def _noting(memory: dict[int, float]) -> Callable[[int | None], None]:
    return lambda row: None if row is None else memory.update({row: time.monotonic()})


def test_the_web_process_refuses_at_once_what_another_has_revoked(committed_shop: Shop):
    api = Api(catalogs.create_key(committed_shop.catalog, "server"))
    news = KeyNews(auth.forget_key)
    news.start()
    try:
        assert news.wait(20)
        assert api.get("/v1/products").status_code == 200
        assert api.key in auth._remembered
        keys.revoke(ApiKey.objects.get())
        ends = time.monotonic() + _SOON
        while api.key in auth._remembered and time.monotonic() < ends:
            time.sleep(0.001)
        problem(api.get("/v1/products"), 401, "unknown-key")
    finally:
        news.stop()


def test_what_was_read_before_the_news_is_not_remembered_after_it(shop: Shop, monkeypatch: Any):
    plain = catalogs.create_key(shop.catalog, "server")
    find = keys.find_key

    def find_and_hear(token: str) -> ApiKey | None:
        found = find(token)
        auth.forget_key(found.pk)  # it is revoked between its reading and its being remembered
        return found

    monkeypatch.setattr(keys, "find_key", find_and_hear)
    assert auth._recognise(plain) is not None
    assert plain not in auth._remembered


def test_a_connection_that_ends_is_opened_anew_and_all_is_forgotten(committed_shop: Shop):
    key, _ = keys.new_key(committed_shop.catalog, "server", "")
    queue: Queue[int | None] = Queue()
    news = KeyNews(queue.put, retry=0.05)
    news.start()
    try:
        assert next_of(queue) is None
        assert news.wait(20)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = %s",
                [key_news.APPLICATION],
            )
        assert next_of(queue) is None
        keys.revoke(key)
        assert next_of(queue) == key.pk
    finally:
        news.stop()


def test_one_that_does_not_hear_itself_says_so_and_does_not_count_as_hearing(
    committed_shop: Shop, monkeypatch: Any
):
    """As behind a pooler that gives each statement another session."""
    connect = psycopg.connect

    def deaf(**parameters: Any) -> Any:
        session = connect(**parameters)
        session.execute("UNLISTEN *")
        execute = session.execute
        session.execute = lambda query, *given: (
            None if str(query).startswith("LISTEN") else execute(query, *given)
        )
        return session

    monkeypatch.setattr(key_news.psycopg, "connect", deaf)
    news = KeyNews(lambda _: None, echo=0.1, retry=0.05)
    with capture_logs() as logs:
        news.start()
        assert not news.wait(0.5)
        news.stop()
    assert "pooler" in logs[0]["error"]


def test_the_server_has_it_listen_from_its_start_to_its_end(committed_shop: Shop, monkeypatch: Any):
    news = KeyNews(lambda _: None)
    monkeypatch.setattr(asgi._auth, "news", news)
    sent: list[str] = []

    async def live() -> None:
        messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        await messages.put({"type": "lifespan.startup"})

        async def send(message: Any) -> None:
            sent.append(message["type"])

        task = asyncio.create_task(asgi.application({"type": "lifespan"}, messages.get, send))
        assert await asyncio.to_thread(news.wait, 20)
        await messages.put({"type": "lifespan.shutdown"})
        await task

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not news.hears
