from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.history import ingest
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, Product, TrainingRun
from tests.shop import Shop

from . import page

INDEX = "admin:index"


def test_a_catalog_is_seen_at_a_glance(admin_client: Client, catalog: Catalog) -> None:
    Product.objects.filter(external_id="mug-2").update(title="Green enamel mug")
    text = page.text(admin_client.get(reverse(INDEX)))
    figures = "shop Products 5 Fresh vectors 80.0% Stale backlog 1 Users 1 Events in 30 days 2"
    assert figures in text


def test_the_events_of_each_day_are_drawn(admin_client: Client, shop: Shop) -> None:
    now = timezone.now()
    events = [
        NewEvent(type="view", user="bob", product="mug-1", at=now - timedelta(days=ago))
        for ago in (3, 3, 3, 3, 40)
    ]
    shop.post(*events)
    response = admin_client.get(reverse(INDEX))
    (overview,) = response.context["overviews"]
    (chart,) = page.charts(response)
    day = f"{now - timedelta(days=3):%-d %b}"
    assert len(chart["labels"]) == 30
    assert dict(zip(chart["labels"], chart["datasets"][0]["data"], strict=True))[day] == 4
    assert f"the most on {day}: 4" in page.text(response)
    assert 'role="img" aria-label="Events a day: ' in response.content.decode()
    assert overview.figures[-1] == ("Events in 30 days", "6")


def test_historical_data_shows_its_own_last_days(admin_client: Client, catalog: Catalog) -> None:
    Catalog.objects.filter(pk=catalog.pk).update(clock=Catalog.Clock.LAST_EVENT)
    other = Catalog.objects.create(name="past", clock=Catalog.Clock.LAST_EVENT)
    Product.objects.create(catalog=other, external_id="a")
    at = datetime(2011, 12, 9, 12, tzinfo=UTC)
    ingest.ingest(other, [NewEvent(type="view", user="u", product="a", at=at)])
    text = page.text(admin_client.get(reverse(INDEX)))
    assert "10 November 2011 to 9 December 2011, the most on 9 Dec: 1" in text


def test_the_last_training_is_told_in_a_line(admin_client: Client, catalog: Catalog) -> None:
    assert "Last training: none yet" in page.text(admin_client.get(reverse(INDEX)))
    TrainingRun.objects.create(catalog=catalog, status="failed", error="No memory.")
    steps = [{"name": name, "outcome": "done"} for name in ("popularity", "co-occurrence")]
    run = TrainingRun.objects.create(catalog=catalog, status="done", steps=steps)
    told = f"Last training: Done, {run.created_at:%-d %B %Y, %H:%M} UTC: 2 steps done"
    assert told in page.text(admin_client.get(reverse(INDEX)))


def test_a_catalog_without_events_says_so(admin_client: Client) -> None:
    Catalog.objects.create(name="empty")
    text = page.text(admin_client.get(reverse(INDEX)))
    assert "Events in 30 days 0 No events from " in text


def test_without_catalogs_the_page_says_how_to_begin(admin_client: Client) -> None:
    response = admin_client.get(reverse(INDEX))
    assert "There is no catalog yet." in page.text(response)
    assert reverse("admin:recommender_catalog_add") in page.hrefs(response)


def test_more_catalogs_take_no_more_queries(
    admin_client: Client, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = page.queries(admin_client, reverse(INDEX))
    Catalog.objects.bulk_create(Catalog(name=f"more-{n}") for n in range(15))
    assert page.queries(admin_client, reverse(INDEX)) == few
    assert few <= 20
    response = admin_client.get(reverse(INDEX))
    assert len(response.context["overviews"]) == 12
    assert "And 4 more catalogs" in page.text(response)
