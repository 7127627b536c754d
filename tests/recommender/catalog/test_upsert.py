from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from recommender.catalog import upsert
from recommender.catalog.upsert import Written
from recommender.models import Product
from tests.shop import Shop, numbered
from tests.threads import at_once

MUG = {
    "id": "mug",
    "title": "Blue mug",
    "description": "Holds 350 ml",
    "category": "Home/Kitchen",
    "brand": "Hearth",
    "price": "9.5",
    "currency": "EUR",
    "in_stock": False,
    "image_urls": ["https://img.example/mug.jpg"],
    "video_urls": ["https://img.example/mug.mp4"],
    "attributes": {"colour": "blue", "ml": 350, "safe": True, "made of": ["clay"]},
    "released_at": "2025-01-02T03:04:05+00:00",
}


def test_a_product_is_stored_as_it_was_given(shop: Shop) -> None:
    assert upsert.upsert(shop.catalog, [MUG]) == Written(1, 0, 0)

    mug = shop.product("mug")
    for name, value in MUG.items():
        if name not in {"id", "price", "released_at"}:
            assert getattr(mug, name) == value, name
    assert mug.price == Decimal("9.5")
    assert mug.released_at == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_what_is_left_out_of_a_new_product_is_empty_and_it_is_in_stock(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [{"id": "mug"}])

    mug = shop.product("mug")
    assert (mug.title, mug.price, mug.attributes, mug.image_urls) == ("", None, {}, [])
    assert mug.in_stock


def test_the_same_again_changes_nothing(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [MUG])
    before = Product.objects.values().get()

    assert upsert.upsert(shop.catalog, [MUG]) == Written(0, 0, 1)

    assert Product.objects.values().get() == before


@pytest.mark.parametrize("name", [name for name in MUG if name != "id"])
def test_a_replaced_product_loses_what_is_not_given(shop: Shop, name: str) -> None:
    upsert.upsert(shop.catalog, [MUG])

    rest = {key: value for key, value in MUG.items() if key != name}
    assert upsert.upsert(shop.catalog, [rest]) == Written(0, 1, 0)

    field = Product._meta.get_field(name)
    assert getattr(shop.product("mug"), name) == field.get_default()


def test_only_the_named_columns_are_written(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [MUG])

    written = upsert.upsert(
        shop.catalog, [{"id": "mug", "title": "Red mug", "brand": "Other"}], ["title"]
    )

    assert written == Written(0, 1, 0)
    mug = shop.product("mug")
    assert (mug.title, mug.brand, mug.price) == ("Red mug", "Hearth", Decimal("9.5"))


def test_no_columns_clear_nothing(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [MUG])

    upsert.upsert(shop.catalog, [{"id": "mug", "title": "Red mug"}, {"id": "cup"}], [])

    assert shop.product("mug").title == "Blue mug"
    assert Product.objects.count() == 2


def test_of_two_products_with_one_id_the_later_wins(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [{"id": "mug", "title": "Old"}, {"id": "mug", "title": "New"}])

    assert shop.product("mug").title == "New"


def test_a_deleted_product_comes_back(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [MUG])
    key = shop.product("mug").pk
    Product.objects.update(deleted_at=timezone.now())

    assert upsert.upsert(shop.catalog, [MUG]) == Written(0, 1, 0)

    assert (shop.product("mug").pk, shop.product("mug").deleted_at) == (key, None)


def test_what_was_done_is_counted(shop: Shop) -> None:
    shop.stock(a="A", b="B", c="C")

    rows = [{"id": key, "title": key.upper()} for key in "abcd"]
    rows[1]["title"] = "Changed"

    assert upsert.upsert(shop.catalog, rows) == Written(added=1, changed=1, unchanged=2)


def test_no_products_are_no_change(shop: Shop) -> None:
    assert upsert.upsert(shop.catalog, []) == Written(0, 0, 0)


def test_an_id_is_its_catalog_s_own(shop: Shop) -> None:
    other = Shop.open("other")
    shop.stock(mug="Mug here")
    other.stock(mug="Mug there")

    assert (shop.product("mug").title, other.product("mug").title) == ("Mug here", "Mug there")


def test_a_price_alone_leaves_the_content_as_it_was(shop: Shop) -> None:
    upsert.upsert(shop.catalog, [MUG])
    before = shop.product("mug").content_hash

    upsert.upsert(shop.catalog, [MUG | {"price": "1", "in_stock": True}])
    assert shop.product("mug").content_hash == before

    upsert.upsert(shop.catalog, [MUG | {"title": "Red mug"}])
    assert shop.product("mug").content_hash != before


@pytest.mark.parametrize(
    "text", ["", " ", "'\"\\%s{}", "\t\n\r", "日本 🎁 ½", "\x1f\ufffe", "x" * 99_999]
)
@pytest.mark.parametrize("number", [0, -1, 2**53, 0.1, 1e-9])
def test_any_text_and_number_comes_back_as_it_was(shop: Shop, text: str, number: float) -> None:
    shop.put({"id": "x", "title": text, "attributes": {text: number}})

    product = shop.product("x")
    assert (product.title, product.attributes) == (text, {text: number})


def test_writers_of_the_same_products_at_once_do_not_deadlock(committed_shop: Shop) -> None:
    rows = [{"id": key, "title": title} for key, title in numbered(300).items()]

    def write(number: int) -> int:
        changed = [row | {"title": f"{row['title']} by {number}"} for row in rows]
        return upsert.upsert(committed_shop.catalog, changed[:: 1 if number % 2 else -1]).added

    assert sum(at_once(4, write)) == len(rows)
    assert Product.objects.count() == len(rows)
