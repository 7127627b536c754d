"""Products that are edited together from the list."""

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from recommender.admin import product_bulk
from recommender.models import Product
from tests.shop import Shop

from . import page

LIST = reverse("admin:recommender_product_changelist")


def edit(client: Client, shop: Shop, *chosen: str, filtered: str = "", **said: str) -> str:
    keys = [shop.product(name).pk for name in chosen]
    data = {"action": "edit_together", ACTION_CHECKBOX_NAME: keys, **said}
    return page.text(client.post(LIST + filtered, data, follow=True))


def in_category(shop: Shop, category: str) -> set[str]:
    found = Product.objects.filter(catalog=shop.catalog, deleted_at=None, category=category)
    return set(found.values_list("external_id", flat=True))


def test_it_is_said_how_many_before_anything_is_done(admin_client: Client, shop: Shop) -> None:
    text = edit(admin_client, shop, "mug-1", filtered="?category=Home%2FKitchen")
    assert "1 product that you chose" in text
    assert "All of the list as it is filtered: 3 products" in text
    assert in_category(shop, "Home/Kitchen") == {"mug-1", "mug-2", "mug-3"}


def test_those_chosen_come_into_a_category_and_it_is_logged(
    admin_client: Client, shop: Shop, announced: list[int]
) -> None:
    said = {"change": "category", "category": " Camping / Cups ", "products": "chosen"}
    text = edit(admin_client, shop, "mug-1", "tent-1", **said)
    assert "2 products: Into the category" in text
    assert in_category(shop, "Camping/Cups") == {"mug-1", "tent-1"}
    assert shop.space.pk in announced
    entry = LogEntry.objects.get()
    assert entry.object_id == str(shop.catalog.pk)
    assert "2 products edited together" in entry.get_change_message()


@pytest.mark.parametrize("change", ["out_of_stock", "hide"])
def test_all_of_a_filter_are_changed_and_no_others(
    admin_client: Client, shop: Shop, change: str
) -> None:
    said = {"change": change, "products": "all"}
    edit(admin_client, shop, "mug-1", filtered="?category=Home%2FKitchen", **said)
    left = Product.objects.filter(catalog=shop.catalog, deleted_at=None, in_stock=True)
    assert set(left.values_list("external_id", flat=True)) == {"tent-1", "tent-2"}
    hidden = Product.objects.exclude(deleted_at=None).count()
    assert hidden == (3 if change == "hide" else 0)


def test_what_is_not_right_is_said_and_nothing_is_done(
    admin_client: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"change": "category", "category": "x" * 700, "products": "chosen"}
    assert "The category" in edit(admin_client, shop, "mug-1", **said)
    monkeypatch.setattr(product_bulk, "MOST", 3)
    text = edit(admin_client, shop, "mug-1", change="hide", products="all")
    assert "At most 3 are edited together; filter further." in text
    assert "more than 3 products" in text
    assert Product.objects.filter(deleted_at=None).count() == 5
    assert not LogEntry.objects.exists()
