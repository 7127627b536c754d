"""What the page of a product tells of its shoppers, and why nobody is shown it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.catalog import placements
from recommender.models import EffectFigure, Product, ProductNeighbor
from recommender.spaces import quarantine
from recommender.spaces.quarantine import Refusal
from tests.shop import Shop

from . import page


def at(product: Product, view: str = "change") -> str:
    return reverse(f"admin:recommender_product_{view}", args=[product.pk])


def why(client: Client, product: Product) -> str:
    return page.text(client.get(at(product, "why")))


def test_the_page_tells_views_clicks_orders_and_what_it_is_sold_with(
    admin_client: Client, shop: Shop, mug: Product
) -> None:
    tent = shop.product("tent-2")
    ProductNeighbor.objects.create(
        catalog=shop.catalog,
        product=mug,
        kind=ProductNeighbor.Kind.BOUGHT,
        products=[tent.pk],
        scores=[0.25],
    )
    today = timezone.now().date()
    shown = {"catalog": shop.catalog, "operation": "for_user", "product_id": mug.pk, "hours": 0}
    EffectFigure.objects.create(**shown, day=today, impressions=1200, clicks=30, purchases=4)
    EffectFigure.objects.create(**shown, day=today - timedelta(days=60), clicks=1000)
    EffectFigure.objects.create(**shown | {"product_id": tent.pk}, day=today, clicks=500)

    response = admin_client.get(at(mug))
    figures = dict(response.context["figures"].rows)
    assert figures["Events: purchase"] == "1"
    assert figures["Users, 7 days"] == "1"
    assert figures["Seen in lists, 28 days"] == "1,200"
    assert figures["Clicks in lists, 28 days"] == "30"
    assert figures["Orders in lists, 28 days"] == "4"
    (row,) = response.context["sold_with"].rows
    assert row[2] == "tent-2"
    assert at(tent) in page.hrefs(response)


def test_a_product_that_nobody_did_anything_with_has_a_page(
    admin_client: Client, shop: Shop
) -> None:
    text = page.text(admin_client.get(at(shop.product("mug-3"))))
    assert "Nothing yet: a training finds it" in text
    assert "Orders in lists, 28 days 0" in text


def test_what_is_wrong_with_the_product_itself_is_said_with_what_to_do(
    admin_client: Client, shop: Shop
) -> None:
    shop.put({"id": "mug-1", "title": "Another mug", "in_stock": False})
    shop.put({"id": "lamp", "title": "Lamp"}, {"id": "vase", "title": "Vase"})
    vase = shop.product("vase")
    quarantine.add(shop.space, [Refusal(vase.pk, vase.content_hash, "Bad", "Too rude.")])

    assert "It is out of stock. Put it in stock" in why(admin_client, shop.product("mug-1"))
    assert "It has no vector in text@1 yet." in why(admin_client, shop.product("lamp"))
    assert "The model of text@1 refused it: Too rude." in why(admin_client, vase)


def test_a_rule_that_hides_it_is_named(admin_client: Client, shop: Shop) -> None:
    rule = {"id": "r1", "name": "No lids", "action": "hide", "products": ["mug-3"]}
    draft = {"operation": "for_user", "defaults": {}, "fallback": None, "rules": [rule]}
    placement, _ = placements.put(shop.catalog, "home", draft)
    placements.publish(placement, "")

    told = why(admin_client, shop.product("mug-3"))
    assert "Nothing about the product itself keeps it from being shown." in told
    assert "home 1 of 1 filter" in told
    assert "No lids" in told
    assert "none 1 of 1 listed" in told


def test_what_the_shopper_had_is_said(admin_client: Client, mug: Product) -> None:
    told = why(admin_client, mug)
    assert "none 1 of 1 excluded" in told
    assert "they had it already" in told


@pytest.mark.django_db
def test_where_nobody_did_anything_there_is_nobody_to_ask_about(admin_client: Client) -> None:
    empty = Shop.open("empty")
    empty.stock(a="Mug")
    assert "Nobody has done anything in this catalog yet" in why(admin_client, empty.product("a"))
