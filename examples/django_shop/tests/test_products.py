"""What the shop saves is what the service has."""

import logging
from decimal import Decimal
from types import SimpleNamespace

import pytest
from celery import current_app
from django.db import transaction
from pytest_django.fixtures import Settings

from kinship_client import Kinship
from kinship_client.django import register, send
from kinship_client.django.registry import Registered
from shop.models import Product
from tests.conftest import Double, use

BULK = "/v1/products/bulk"


def of(kinship: Kinship, sku: str) -> float | None:
    """The price that the service knows; None where it knows no such product."""
    prices = {product["id"]: product["price"] for product in kinship.products()}
    return prices.get(sku)


def vase(**fields: object) -> Product:
    return Product(sku="vase", name="Vase", category="Home", brand="Hearth", **fields)


def test_a_product_is_there_once_it_is_committed_and_gone_once_it_is_deleted(
    kinship: Kinship, transactional_db: None
) -> None:
    with transaction.atomic():
        product = vase(price=Decimal("9.50"), stock=3, material="clay")
        product.save()
        assert of(kinship, "vase") is None
    assert of(kinship, "vase") == 9.5
    assert kinship.get_product("vase")["attributes"] == {"material": "clay"}
    product.price = Decimal(8)
    product.save()
    assert of(kinship, "vase") == 8
    product.delete()
    assert of(kinship, "vase") is None


def test_what_is_rolled_back_is_not_sent(kinship: Kinship, transactional_db: None) -> None:
    with transaction.atomic():
        vase(price=1).save()
        transaction.set_rollback(True)
    assert of(kinship, "vase") is None


def test_products_of_one_transaction_go_in_one_request(
    double: Double, products: list[Product]
) -> None:
    double.requests.clear()
    with transaction.atomic():
        for product in products:
            product.stock += 1
            product.save()
    (sent,) = double.sent(BULK)
    assert {one["id"] for one in sent} == {product.sku for product in products}
    assert sent[0]["in_stock"] == products[0].stock


def test_a_product_saved_and_deleted_in_one_transaction_is_only_deleted(
    double: Double, transactional_db: None
) -> None:
    with transaction.atomic():
        product = vase(price=1)
        product.save()
        product.delete()
    assert [request[:2] for request in double.requests] == [("DELETE", "/v1/products/vase")]


def test_rows_that_no_signal_told_of_are_sent_when_asked(
    double: Double, products: list[Product]
) -> None:
    double.requests.clear()
    Product.objects.filter(brand="Rowan").update(price=1)
    assert double.requests == []
    send(Product.objects.filter(brand="Rowan"))
    assert {one["price"] for one in double.sent(BULK)[0]} == {1.0}


def test_the_shop_saves_though_the_service_is_away_and_the_log_says_so(
    settings: Settings, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    use(settings, URL="http://127.0.0.1:9")
    vase(price=1).save()
    assert Product.objects.filter(sku="vase").exists()
    assert "1 products of shop.Product were not sent" in caplog.text
    assert "kinship_sync" in caplog.text


def test_celery_sends_where_it_is_configured(
    double: Double, settings: Settings, transactional_db: None
) -> None:
    use(settings, CELERY=True)
    current_app.conf.task_always_eager = True
    vase(price=1).save()
    assert [one["id"] for one in double.sent(BULK)[0]] == ["vase"]


def test_a_rejected_product_is_in_the_log(
    double: Double, transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    double.answers[BULK] = {"rejected": 1, "errors": [{"row": 0, "reason": "price is negative"}]}
    with caplog.at_level(logging.ERROR):
        vase(price=1).save()
    assert "product vase rejected: price is negative" in caplog.text


def test_nothing_is_sent_where_no_address_is_set(
    double: Double, settings: Settings, transactional_db: None
) -> None:
    use(settings, URL="")
    vase(price=1).save()
    assert double.requests == []


def test_a_model_may_say_itself_what_it_is() -> None:
    known = Registered(Product, "sku", Product.objects.all, {})
    shown = SimpleNamespace(sku="a", to_kinship=lambda: {"title": "A"})
    hidden = SimpleNamespace(sku="b", to_kinship=lambda: None)
    assert known.product_of(shown) == {"id": "a", "title": "A"}
    assert known.product_of(hidden) is None


def test_fields_of_other_tables_functions_and_lists_are_read() -> None:
    row = SimpleNamespace(sku="a", maker=SimpleNamespace(name="Hearth"), none=None, size=3)
    fields = {
        "brand": "maker__name",
        "title": lambda one: one.sku.upper(),
        "description": "none__name",
        "attributes": {"size": "size", "half": lambda one: one.size / 2},
    }
    known = Registered(Product, "sku", Product.objects.all, fields)
    assert known.product_of(row) == {
        "id": "a",
        "brand": "Hearth",
        "title": "A",
        "description": None,
        "attributes": {"size": 3, "half": 1.5},
    }


def test_a_member_that_products_do_not_have_is_refused_at_start() -> None:
    with pytest.raises(TypeError, match="products have no titel; there are attributes, brand"):
        register(Product, titel="name")
    with pytest.raises(TypeError, match="no to_kinship"):
        register(Product)
