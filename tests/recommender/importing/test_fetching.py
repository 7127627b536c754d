"""Imports of files that are at an address."""

import gzip
import os
import time
from base64 import b64encode
from collections.abc import Iterator

import pytest
from django.conf import LazySettings, settings
from django.core.management.base import CommandError

from recommender.importing import fetching
from recommender.models import Event, FetchedFile, Product
from tests.embeddings.media_host import Answer, MediaHost, media_host
from tests.recommender.importing.desk import Desk
from tests.shop import Shop, numbered

FEED = b"""<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>
<item><g:id>mug</g:id><g:title>Red mug</g:title><g:price>15.00 USD</g:price></item>
<item><g:id>pot</g:id><g:title>Teapot</g:title><g:price>20.00 USD</g:price></item>
</channel></rss>"""


@pytest.fixture
def host(settings: LazySettings) -> Iterator[MediaHost]:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1"})
    with media_host() as running:
        yield running


def on_sale(shop: Shop) -> set[str]:
    products = Product.objects.filter(catalog=shop.catalog, deleted_at=None)
    return set(products.values_list("external_id", flat=True))


def left_behind() -> list[str]:
    return [path.name for path in (settings.STACK.data_dir / "fetched").iterdir()]


def test_a_feed_is_fetched_and_only_again_where_it_has_changed(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    address = host.put("/feed.xml", Answer(FEED, headers={"ETag": '"1"'}))

    report = desk.products(address, "--replace")
    assert report.count("products added") == 2
    assert f"fetched in 0.0 s from {address}" in report.output
    assert shop.product("mug").currency == "USD"
    assert left_behind() == []

    again = desk.products(address, "--replace")
    assert "is not changed since 20" in again.output
    assert "products" not in again.output
    assert host.served == 1

    # Another import of the same file has not been done.
    assert desk.products(address).count("products unchanged") == 2
    assert desk.products(address, "--replace", "--anew").count("products unchanged") == 2
    assert desk.products(address, "--replace", "--dry-run").count("products are there already") == 2

    host.put("/feed.xml", Answer(FEED.replace(b"Red", b"Blue"), headers={"ETag": '"2"'}))
    assert desk.products(address, "--replace").count("products changed") == 1
    assert "is not changed" in desk.products(address, "--replace").output


def test_a_user_in_the_address_is_told_to_its_host_alone_and_never_shown(
    shop: Shop, desk: Desk, host: MediaHost, settings: LazySettings
) -> None:
    settings.MEDIA_HOSTS = frozenset({"127.0.0.1", "localhost"})
    address = host.put("/feed.xml", Answer(FEED, headers={"ETag": '"1"'})).replace(
        "://", "://shop:p%40ss@"
    )
    shown = address.replace("shop:p%40ss", "***")

    report = desk.products(address)

    assert report.count("products added") == 2
    assert f"from {shown}" in report.output
    assert host.headers[-1]["Authorization"] == "Basic " + b64encode(b"shop:p@ss").decode()
    assert FetchedFile.objects.get().address == shown
    assert f"{shown} is not changed" in desk.products(address).output

    elsewhere = host.address("/feed.xml", "localhost")
    host.put("/moved.xml", Answer(status=302, headers={"Location": elsewhere}))
    desk.products(address.replace("feed.xml", "moved.xml"), "--anew")
    assert "Authorization" in host.headers[-2]
    assert "Authorization" not in host.headers[-1]

    for wrong in ("/gone.xml", "/feed.xml:99999"):
        with pytest.raises(CommandError) as refused:
            desk.products(address.replace("/feed.xml", wrong))
        assert "p%40ss" not in str(refused.value)
        assert "***@" in str(refused.value)


def test_what_something_else_took_off_sale_since_comes_back_though_nothing_has_changed(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    address = host.put("/feed.xml", Answer(FEED, headers={"ETag": '"1"'}))
    desk.products(address)
    desk.products("id\nmug\n", "--replace", "--force")
    assert on_sale(shop) == {"mug"}

    assert desk.products(address).count("products changed") == 1
    assert on_sale(shop) == {"mug", "pot"}
    assert "is not changed" in desk.products(address).output


def test_a_time_serves_as_well_and_what_cannot_be_sent_back_is_not_sent(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    at = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    address = host.put("/a.csv", Answer(b"id,title\na,Mug\n", headers=at))
    desk.products(address)
    assert "is not changed since" in desk.products(address).output

    odd = host.put("/b.csv", Answer(b"id,title\nb,Mug\n", headers={"ETag": "é", "X": "y"}))
    for _ in range(2):
        desk.products(odd)
    assert FetchedFile.objects.get(address=odd).conditions == {}


@pytest.mark.parametrize(
    ("path", "content", "headers"),
    [
        ("/products.jsonl", b'{"id": "a"}\n{"id": "b"}\n', {}),
        ("/export?type=json", b'[{"id": "a"}, {"id": "b"}]', {"Content-Type": "application/json"}),
        ("/", b'5\n{"id": "a"}\n{"id": "b"}', {"Content-Type": "application/x-ndjson; q=1"}),
        ("/a%20list.csv.gz", gzip.compress(b"id;title\na;x\nb;y\n", mtime=0), {}),
        ("/csv", gzip.compress(b"id\na\nb\n", mtime=0), {"Content-Encoding": "gzip"}),
        ("/feed", b"id\ttitle\na\tMug\nb\tPot\n", {"Content-Type": "text/tab-separated-values"}),
    ],
)
def test_what_it_is_is_told_by_content_address_and_type(
    shop: Shop, desk: Desk, host: MediaHost, path: str, content: bytes, headers: dict[str, str]
) -> None:
    desk.products(host.put(path, Answer(content, headers=headers)))
    assert on_sale(shop) == {"a", "b"}


def test_a_removal_that_was_refused_is_tried_again_though_nothing_has_changed(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    shop.stock(**numbered(10))
    address = host.put("/a.csv", Answer(b"id,title\np0,Mug\n", headers={"ETag": '"1"'}))
    for _ in range(2):
        with pytest.raises(CommandError, match="9 of the 10 products"):
            desk.products(address, "--replace")
    assert desk.products(address, "--replace", "--force").count("products taken off sale") == 9


def test_events_are_fetched_too_and_again_while_some_are_of_unknown_products(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    content = b"user,product,type,at\nann,mug,view,2025-06-01\nann,pot,view,2025-06-01\n"
    address = host.put("/events.csv", Answer(content, headers={"ETag": '"1"'}))
    shop.stock(mug="Mug")
    assert desk.events(address).count("  unknown product") == 1
    shop.stock(pot="Pot")
    assert desk.events(address).count("events accepted") == 1
    assert "is not changed" in desk.events(address).output
    assert Event.objects.filter(catalog=shop.catalog).count() == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=404), "answered 404"),
        (Answer(status=503), "answered 503"),
        (Answer(b"<!DOCTYPE html><html><body>Sign in</body></html>"), "is a web page"),
        (Answer(b""), "feed.csv is empty"),
        (Answer(b"id,title\n" + b"a,b\n" * 300_000), "larger than 1 MB; raise KINSHIP_FEED_MAX_MB"),
        (Answer(b"id\n", headers={"Content-Length": "99"}), "the connection to 127.0.0.1 failed"),
        (Answer(status=302, headers={"Location": "http://localhost:1/"}), "public internet"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "only http and https"),
        (Answer(gzip.compress(b"id\na\n", mtime=0)[:-6]), "feed.csv is damaged"),
    ],
)
def test_what_cannot_be_fetched_is_one_line_and_changes_nothing(
    shop: Shop, desk: Desk, host: MediaHost, settings: LazySettings, answer: Answer, says: str
) -> None:
    settings.FEED_BYTES = 1_000_000
    shop.stock(kept="Mug")
    address = host.put("/feed.csv", answer)

    with pytest.raises(CommandError) as failed:
        desk.products(address, "--replace", "--force")

    assert says in str(failed.value)
    assert address in str(failed.value)
    assert "\n" not in str(failed.value)
    assert on_sale(shop) == {"kept"}
    assert left_behind() == []


def test_a_machine_that_is_not_public_is_not_spoken_to(
    shop: Shop, desk: Desk, host: MediaHost, settings: LazySettings
) -> None:
    settings.MEDIA_HOSTS = frozenset()
    with pytest.raises(CommandError, match=r"127\.0\.0\.1 is .*KINSHIP_MEDIA_HOSTS"):
        desk.products(host.put("/a.csv", b"id\na\n"))
    assert host.hosts == []


def test_what_a_killed_import_has_left_is_removed_the_next_day(
    shop: Shop, desk: Desk, host: MediaHost
) -> None:
    for name, age in (("old", 2 * 86_400), ("new", 60)):
        directory = settings.STACK.data_dir / "fetched" / name
        directory.mkdir(parents=True)
        (directory / "feed.csv").write_text("id\n")
        os.utime(directory, (time.time() - age,) * 2)
    desk.products(host.put("/a.csv", b"id\na\n"))
    assert left_behind() == ["new"]
    (settings.STACK.data_dir / "fetched" / "new" / "feed.csv").unlink()
    (settings.STACK.data_dir / "fetched" / "new").rmdir()


def test_an_address_is_no_path() -> None:
    assert fetching.is_address("HTTPS://shop.example/feed.xml")
    assert not fetching.is_address("C:/feeds/feed.xml")
