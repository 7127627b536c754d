"""Feeds, from the schedule to the products."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from recommender.catalog import feeds
from recommender.models import Feed, Product
from tests.embeddings.media_host import Answer, MediaHost, media_host
from tests.shop import Shop, numbered
from tests.workers.broker import Broker, run_task, run_twice
from workers import feeds as tasks


@pytest.fixture
def host(settings: LazySettings) -> Iterator[MediaHost]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with media_host() as running:
        yield running


def csv_of(count: int) -> bytes:
    return "\n".join(["sku,title", *(f"p{n},Mug {n}" for n in range(count))]).encode()


def feed_of(shop: Shop, url: str, **more: object) -> Feed:
    wanted = {"url": url, "every_hours": 6, "options": "--map id=sku"} | more
    return Feed.objects.create(catalog=shop.catalog, **wanted)


def on_sale(shop: Shop) -> int:
    return Product.objects.filter(catalog=shop.catalog, deleted_at=None).count()


def fetched(feed: Feed) -> Feed:
    """The feed after it was asked for and a worker has come."""
    feeds.request(feed)
    tasks.fetch_feed(feed.pk)
    feed.refresh_from_db()
    return feed


def test_what_is_due_is_fetched_imported_and_replaced_though_messages_come_twice(
    committed_shop: Shop, broker: Broker, host: MediaHost
) -> None:
    committed_shop.stock(**numbered(12))
    address = host.put("/a.csv", Answer(csv_of(10), headers={"ETag": '"1"'}))
    feed = feed_of(committed_shop, address)
    feeds.plan(feed)
    broker.take()

    tasks.sweep_feeds()
    tasks.sweep_feeds()
    assert broker.work(run_twice)[:2] == ["fetch_feed", "fetch_feed"]

    assert on_sale(committed_shop) == 10
    feed.refresh_from_db()
    assert (feed.status, feed.error, host.served) == ("done", "", 1)
    assert feed.counts == [
        ["products added", 0],
        ["products changed", 10],
        ["products unchanged", 0],
        ["further rows of these products", 0],
        ["products taken off sale", 2],
        ["rows rejected", 0],
    ]
    assert "products taken off sale" in feed.report
    assert feed.next_at is not None
    assert feed.next_at > timezone.now() + timedelta(hours=5)

    # Nothing is due until its time comes; then nothing has changed.
    tasks.sweep_feeds()
    assert broker.take() == []
    Feed.objects.update(next_at=timezone.now())
    tasks.sweep_feeds()
    broker.work()
    feed.refresh_from_db()
    assert feed.status == "unchanged"
    assert "is not changed since" in feed.report
    assert ["products taken off sale", 2] in feed.counts


def test_what_is_asked_for_is_sent_once_it_is_committed(
    committed_shop: Shop, broker: Broker, host: MediaHost
) -> None:
    feed = feed_of(committed_shop, host.put("/a.csv", csv_of(3)), is_enabled=False)
    broker.take()
    feeds.request(feed)
    assert broker.work()[0] == "fetch_feed"
    assert on_sale(committed_shop) == 3
    feed.refresh_from_db()
    assert (feed.status, feed.next_at) == ("done", None)


def test_a_removal_that_is_too_large_is_shown_and_may_be_forced(
    committed_shop: Shop, host: MediaHost
) -> None:
    committed_shop.stock(**numbered(10))
    feed = feed_of(committed_shop, host.put("/a.csv", Answer(csv_of(2), headers={"ETag": '"1"'})))

    fetched(feed)
    assert feed.status == "failed"
    assert "8 of the 10 products on sale" in feed.error
    assert ["products changed", 2] in feed.counts
    assert on_sale(committed_shop) == 10

    feeds.request(feed, force=True)
    tasks.fetch_feed(feed.pk)
    feed.refresh_from_db()
    assert (feed.status, feed.is_forced) == ("done", False)
    assert on_sale(committed_shop) == 2


def test_a_host_that_is_down_is_tried_again_soon_and_what_never_works_at_its_time(
    committed_shop: Shop, host: MediaHost
) -> None:
    feed = feed_of(committed_shop, host.put("/a.csv", Answer(status=503)))
    fetched(feed)
    assert feed.status == "failed"
    assert "answered 503" in feed.error
    assert "It is tried again at" in feed.error
    assert feed.next_at is not None
    assert feed.next_at < timezone.now() + timedelta(minutes=6)

    feeds.request(feed, force=True)
    tasks.fetch_feed(feed.pk)
    feed.refresh_from_db()
    assert feed.is_forced  # so is the next attempt

    host.put("/a.csv", Answer(status=404))
    fetched(feed)
    assert not feed.is_forced
    assert "answered 404" in feed.error
    assert "again at" not in feed.error
    assert feed.next_at is not None
    assert feed.next_at > timezone.now() + timedelta(hours=5)

    host.put("/a.csv", b"name\nMug\n")
    fetched(feed)
    assert "sku" in feed.error
    assert "/fetched/" not in feed.error
    host.put("/a.csv", csv_of(2))
    fetched(feed)
    assert (feed.status, feed.error) == ("done", "")


def test_a_row_that_is_wrong_costs_itself_and_is_counted(
    committed_shop: Shop, host: MediaHost
) -> None:
    content = b"sku,title,price\na,Mug,1\nb,Pot,cheap\n"
    feed = fetched(feed_of(committed_shop, host.put("/a.csv", content), replace=False))
    assert feed.status == "done"
    assert feed.counts[-2:] == [["rows rejected", 1], ["price is not a number", 1]]
    assert "shop-feed.csv" in feed.report
    all_wrong = b"sku,title,price\na,Mug,cheap\n"
    host.put("/a.csv", all_wrong)
    fetched(feed)
    assert feed.status == "failed"
    assert "None of the 1 rows could be taken" in feed.error


def test_two_workers_at_once_import_a_feed_once(committed_shop: Shop, host: MediaHost) -> None:
    feed = feed_of(committed_shop, host.put("/a.csv", Answer(csv_of(200), drip=400)))
    feeds.request(feed)

    def work() -> None:
        run_task("fetch_feed", [feed.pk])
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    feed.refresh_from_db()
    assert (feed.status, host.served) == ("done", 1)
    assert on_sale(committed_shop) == 200


def test_a_feed_that_is_gone_is_not_fetched(committed_shop: Shop) -> None:
    tasks.fetch_feed(0)
    assert not Feed.objects.exists()
