from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.catalog import feeds
from recommender.catalog.feeds import feed_requested
from recommender.models import Catalog, Feed

from . import page

LIST = "admin:recommender_feed_changelist"
ADD = "admin:recommender_feed_add"
URL = "https://shop.example/feed.xml"


@pytest.fixture
def requested() -> Iterator[list[int]]:
    """The feeds that workers were told of."""
    told: list[int] = []

    def listen(feed_id: int, **_: object) -> None:
        told.append(feed_id)

    feed_requested.connect(listen)
    yield told
    feed_requested.disconnect(listen)


@pytest.fixture
def feed(catalog: Catalog) -> Feed:
    return Feed.objects.create(catalog=catalog, url=URL, every_hours=6)


def change(feed: Feed) -> str:
    return reverse("admin:recommender_feed_change", args=[feed.pk])


def form(catalog: Catalog, **more: object) -> dict[str, object]:
    given = {
        "catalog": catalog.pk,
        "url": URL,
        "format": "auto",
        "options": "",
        "replace": "on",
        "every_hours": "6",
        "daily_at": "",
        "is_enabled": "on",
    }
    return given | more


def test_a_feed_is_added_and_fetched_at_once(
    admin_client: Client, catalog: Catalog, requested: list[int]
) -> None:
    words = "--map id=sku title=name --delimiter ';' --where 'price>0'"
    response = admin_client.post(reverse(ADD), form(catalog, options=words, format="google"))
    assert response.status_code == 302, page.text(response)

    feed = Feed.objects.get()
    assert (feed.options, feed.format, feed.replace) == (words, "google", True)
    assert requested == feeds.due() == [feed.pk]
    text = page.text(admin_client.get(reverse(LIST)))
    assert f"shop {URL} every 6 hours Not fetched yet" in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"options": "--map"}, "expected at least one argument"),
        ({"options": "--rejects /etc/passwd"}, "unrecognized arguments"),
        ({"options": "--map id='sku"}, "Close the quotes"),
        ({"every_hours": ""}, "either the hours between two times, or a time of day"),
        ({"daily_at": "02:00"}, "either the hours between two times, or a time of day"),
        ({"every_hours": "0"}, "greater than or equal to 1"),
        ({"url": "ftp://shop.example/feed.xml"}, "Give an http or https address."),
        ({"url": "shop.example"}, "Give an http or https address."),
        ({"format": "nonsense"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_wrong(
    admin_client: Client, catalog: Catalog, given: dict[str, str], says: str
) -> None:
    assert says in page.text(admin_client.post(reverse(ADD), form(catalog, **given)))
    assert not Feed.objects.exists()


def test_a_change_of_the_schedule_plans_anew_and_keeps_the_result(
    admin_client: Client, catalog: Catalog, feed: Feed, requested: list[int]
) -> None:
    Feed.objects.update(status="done", started_at=timezone.now(), report="said")
    admin_client.post(change(feed), form(catalog, every_hours="", daily_at="02:30"))
    feed.refresh_from_db()
    assert feed.next_at is not None
    assert f"{feed.next_at:%H:%M}" == "02:30"
    assert (feed.status, feed.report, requested) == ("done", "said", [])
    assert "daily at 02:30 UTC" in page.text(admin_client.get(reverse(LIST)))


def test_the_page_shows_the_last_result(admin_client: Client, feed: Feed) -> None:
    at = timezone.now()
    Feed.objects.update(
        status="failed",
        finished_at=at,
        imported_at=at,
        counts=[["products added", 1200], ["rows rejected", 3]],
        error="80 of the 100 products on sale are not in the file.",
        report="This looks like a feed.",
    )
    text = page.text(admin_client.get(change(feed)))
    for shown in (
        f"{at:%-d %B %Y, %H:%M} UTC",
        "Failed",
        "products added 1,200",
        "rows rejected 3",
        "80 of the 100 products on sale",
        "This looks like a feed.",
    ):
        assert shown in text
    catalog_page = reverse("admin:recommender_catalog_change", args=[feed.catalog_id])
    response = admin_client.get(catalog_page)
    assert f"{URL} : every 6 hours; Failed" in page.text(response)
    assert change(feed) in page.hrefs(response)


def test_a_catalog_without_a_feed_leads_to_a_new_one(
    admin_client: Client, catalog: Catalog
) -> None:
    response = admin_client.get(reverse("admin:recommender_catalog_change", args=[catalog.pk]))
    assert f"{reverse(ADD)}?catalog={catalog.pk}" in page.hrefs(response)


def test_fetch_now_asks_first_and_may_force(
    admin_client: Client, feed: Feed, requested: list[int]
) -> None:
    address = reverse("admin:recommender_feed_fetch", args=[feed.pk])
    assert "more than 20 %" in page.text(admin_client.get(address))
    assert requested == []

    assert admin_client.post(address).status_code == 302
    feed.refresh_from_db()
    assert (requested, feed.is_forced) == ([feed.pk], False)
    assert feeds.due() == [feed.pk]

    admin_client.post(address, {"box": "on"})
    feed.refresh_from_db()
    assert feed.is_forced

    chosen = {"action": "fetch_selected", "_selected_action": [feed.pk]}
    response = admin_client.post(reverse(LIST), chosen, follow=True)
    assert "The feed of shop is fetched as soon as a worker is free" in page.text(response)
    assert len(requested) == 3


def test_whoever_may_only_look_cannot_fetch(client: Client, feed: Feed, django_user_model) -> None:
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    client.force_login(viewer)
    address = reverse("admin:recommender_feed_fetch", args=[feed.pk])
    assert client.post(address).status_code == 403


SECRET = "https://shop:p%40ss@shop.example/feed.xml"


def test_the_user_and_password_of_a_feed_are_kept_and_never_shown(
    admin_client: Client, client: Client, catalog: Catalog, django_user_model: Any
) -> None:
    feed = Feed.objects.create(catalog=catalog, url=SECRET, every_hours=6)
    looker = django_user_model.objects.create_user("looker", password="x", is_staff=True)
    looker.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(looker)
    catalog_page = reverse("admin:recommender_catalog_change", args=[catalog.pk])
    fetch_page = f"{reverse('admin:index')}recommender/feed/{feed.pk}/fetch"

    for asker in (admin_client, client):
        for address in (
            reverse(LIST),
            change(feed),
            catalog_page,
            fetch_page,
            reverse("admin:index"),
        ):
            assert b"p%40ss" not in asker.get(address, follow=True).content
    assert "https://***@shop.example/feed.xml" in admin_client.get(change(feed)).content.decode()

    admin_client.post(
        change(feed), form(catalog, url="https://***@shop.example/feed.xml", every_hours=7)
    )
    feed.refresh_from_db()
    assert (feed.url, feed.every_hours) == (SECRET, 7)

    admin_client.post(
        change(feed), form(catalog, url="https://***@shop.example/new.xml", every_hours=7)
    )
    feed.refresh_from_db()
    assert feed.url == SECRET.replace("feed.xml", "new.xml")

    answer = admin_client.post(
        change(feed), form(catalog, url="https://***@evil.example/", every_hours=7)
    )
    assert "give user and password anew" in page.text(answer)
    feed.refresh_from_db()
    assert "evil" not in feed.url


def test_the_dashboard_shows_feeds_that_failed(
    admin_client: Client, client: Client, feed: Feed, django_user_model: Any
) -> None:
    assert "failed" not in page.text(admin_client.get(reverse("admin:index")))
    Feed.objects.update(status=Feed.Status.FAILED, error="Its host answered 404.")

    response = admin_client.get(reverse("admin:index"))

    assert "The feed of shop failed Its host answered 404." in page.text(response)
    assert change(feed) in page.hrefs(response)
    client.force_login(django_user_model.objects.create_user("blind", password="x", is_staff=True))
    assert "404" not in page.text(client.get(reverse("admin:index")))
