"""`manage.py kinship_sync`, and what the settings are checked for."""

from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from kinship_client import Kinship
from kinship_client.django import service
from shop.models import Product
from tests.conftest import Double, use

SYNC = "/v1/products/sync"


def sync(**options: Any) -> str:
    out = StringIO()
    call_command("kinship_sync", stdout=out, stderr=out, **options)
    return out.getvalue()


def test_the_service_then_has_what_the_shop_has(kinship: Kinship, products: list[Product]) -> None:
    kinship.put_product("left-over", {"title": "Left over"})
    said = sync(force=True)
    assert f"{len(products)} products sent" in said
    assert "1 taken off sale" in said
    assert {product["id"] for product in kinship.products()} == {one.sku for one in products}


def test_rejected_products_are_said_and_fail_it(double: Double, products: list[Product]) -> None:
    answer = {"seen": 23, "removed": 0, "rejected": 1, "errors": [{"row": 3, "reason": "no title"}]}
    double.answers[SYNC] = answer
    with pytest.raises(CommandError, match="1 products were rejected"):
        sync()
    assert double.sent(SYNC)[0]["done"] is True


def test_a_service_that_is_away_is_said_in_one_line(
    settings: Settings, products: list[Product]
) -> None:
    use(settings, URL="")
    with pytest.raises(CommandError, match="URL"):
        sync()
    use(settings, URL="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="does not answer"):
        sync()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"URL": "localhost:8000", "KEY": "k"}, "is no address"),
        ({"URL": "http://localhost:8000"}, "KEY'] is missing"),
        ({"ADDRESS": "http://localhost:8000"}, "unknown keys: ADDRESS; there are URL, KEY"),
        ({"CONSENT": "shop.nowhere.given"}, "shop.nowhere"),
    ],
)
def test_settings_that_are_not_right_are_said_at_start(
    given: dict[str, str], says: str, settings: Settings
) -> None:
    settings.KINSHIP = given
    (error,) = (one for one in run_checks() if one.id == "kinship.E001")
    assert says in error.msg
    service.forget(setting="KINSHIP")
