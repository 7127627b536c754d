from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from recommender.effect import report
from recommender.models import Catalog, EffectFigure
from tests.shop import Shop

from . import page

LIST = reverse("admin:recommender_effectfigure_changelist")
INDEX = reverse("admin:index")
TODAY = datetime.now(UTC).date()


def figure(catalog: Catalog, days_ago: int = 1, **fields: object) -> None:
    usual = {"operation": "for_user", "placement": "home", "source": "text", "hours": 0}
    day = TODAY - timedelta(days=days_ago)
    EffectFigure.objects.create(catalog=catalog, day=day, **(usual | fields))


@pytest.fixture
def sold(shop: Shop) -> Shop:
    figure(shop.catalog, impressions=2000, clicks=200, purchases=10, revenue=500)
    figure(shop.catalog, placement="cart", clicks=5, revenue=70)
    figure(shop.catalog, 30, impressions=2000, clicks=100)
    figure(shop.catalog, operation="", placement=None, orders=8, hours=0, source=None)
    figure(shop.catalog, operation="", placement=None, orders=24, hours=None, source=None)
    return shop


def test_the_dashboard_begins_with_what_recommendations_brought(
    admin_client: Client, sold: Shop
) -> None:
    response = admin_client.get(INDEX)
    text = page.text(response)
    assert "What recommendations brought in shop" in text
    assert "Clicks on recommendations 205 +105%, 100 before" in text
    assert "Orders with a recommended product 8" in text
    assert "Revenue of recommended products 570" in text
    assert "Of all orders, touched 25.0%" in text
    clicks, revenue, *_ = page.charts(response)
    assert [series["label"] for series in clicks["datasets"]] == ["home", "cart"]
    assert sum(clicks["datasets"][0]["data"]) == 300
    assert sum(revenue["datasets"][1]["data"]) == 70
    assert f"{LIST}?catalog={sold.catalog.pk}" in page.hrefs(response)


def test_where_there_is_nothing_yet_it_says_how_to_begin(admin_client: Client, shop: Shop) -> None:
    assert report.HOW in page.text(admin_client.get(INDEX))
    assert report.HOW in page.text(admin_client.get(LIST))


def test_without_a_catalog_there_is_nothing_to_say(admin_client: Client) -> None:
    assert report.HOW not in page.text(admin_client.get(INDEX))
    assert "There is no catalog yet." in page.text(admin_client.get(LIST))


def test_the_page_has_a_table_of_what_each_placement_brought(
    admin_client: Client, sold: Shop
) -> None:
    text = page.text(admin_client.get(LIST))
    assert "home 2,000 200 10.00% 8.76% to 11.39% higher than before" in text
    assert "cart 0 5 -" in text


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ("product", "Product Title Seen"),
        ("variant", "Placement Variant Seen"),
        ("day", "Day Seen"),
        ("source", "Source Seen"),
        ("nonsense", "Placement Seen"),
    ],
)
def test_it_is_shown_by_other_kinds_and_for_other_days(
    admin_client: Client, sold: Shop, by: str, told: str
) -> None:
    text = page.text(
        admin_client.get(LIST, {"by": by, "days": "91", "catalog": str(sold.catalog.pk)})
    )
    assert told in text
    assert "4,000" in text or by == "day"


def test_another_catalog_is_chosen_and_one_that_is_none_is_not(
    admin_client: Client, sold: Shop
) -> None:
    other = Shop.open("other").catalog
    text = page.text(admin_client.get(LIST, {"catalog": str(other.pk)}))
    assert "What recommendations brought in other" in text
    assert "in shop" in page.text(admin_client.get(LIST, {"catalog": "9" * 40}))


def test_who_may_not_see_it_does_not(client: Client, sold: Shop) -> None:
    operator = get_user_model().objects.create_user("viewer", password="secret", is_staff=True)
    operator.user_permissions.add(Permission.objects.get(codename="view_catalog"))
    client.force_login(operator)
    assert "recommendations brought" not in page.text(client.get(INDEX))
    assert client.get(LIST).status_code == 403
