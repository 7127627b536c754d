"""The API and files take the same rows, store the same of them, and refuse with the same reason."""

import orjson
import pytest

from recommender.models import Event, Product
from tests.recommender.api.client import Api
from tests.recommender.api.conftest import api
from tests.recommender.importing.desk import Desk
from tests.shop import Shop

__all__ = ["api"]

PRODUCTS = [
    {"title": "  Mug "},
    {"title": None, "brand": "", "category": " Home / Cups "},
    {"title": 7, "price": "12.50", "currency": "gbp", "in_stock": "no"},
    {"price": 10**10},
    {"price": "cheap"},
    {"price": True},
    {"title": ["Mug"]},
    {"title": "x" * 100_001},
    {"brand": "x" * 601},
    {"title": "a\x00b"},
    {"currency": "euro"},
    {"in_stock": "perhaps"},
    {"in_stock": 3},
    {"in_stock": "out of stock"},
    {"image_urls": "https://shop.example/a.jpg|https://shop.example/b.jpg"},
    {"image_urls": ["https://shop.example/a.jpg", ""]},
    {"image_urls": ["javascript:alert(1)"]},
    {"video_urls": ["https://shop.example/"] * 51},
    {"released_at": "20220624"},
    {"released_at": 1656028800},
    {"released_at": 1656028800000000},
    {"released_at": 2022},
    {"released_at": "soon"},
    {"released_at": "0001-01-01T00:00:00+14:00"},
    {"attributes": {"size": 4, "tags": ["a"], "none": None}},
    {"attributes": ["a"]},
    {"attributes": {"size": {"cm": 3}}},
    {"attributes": {"text": "a\x00b"}},
    {"attributes": {str(n): n for n in range(201)}},
    {"id": ""},
    {"id": 7},
    {"id": "x" * 256},
]
EVENTS = [
    {},
    {"id": 7, "quantity": "2", "value": 3},
    {"user": ""},
    {"user": ["u"]},
    {"product": None},
    {"product": "nowhere"},
    {"type": "stare"},
    {"type": None},
    {"type": "search", "product": None},
    {"at": "20250601"},
    {"at": 2025},
    {"at": None},
    {"at": "1969-12-31"},
    {"at": "2999-12-31"},
    {"quantity": 0},
    {"quantity": "many"},
    {"type": "purchase", "value": -3},
    {"value": []},
    {"rec_id": "rec"},
]
FIELDS = (
    *("external_id", "title", "description", "category", "brand", "price", "currency"),
    *("in_stock", "image_urls", "video_urls", "attributes", "released_at"),
)


VIEWED = "2025-06-01T10:00:00Z"


def lines(*rows: dict[str, object]) -> bytes:
    """JSON Lines: the last row is good, so that the import is not refused as a whole."""
    return b"\n".join(map(orjson.dumps, rows))


def named(change: dict[str, object]) -> str:
    return str(change)[:60]


@pytest.mark.parametrize("change", PRODUCTS, ids=named)
def test_a_product_is_taken_or_refused_alike(
    shop: Shop, api: Api, desk: Desk, change: dict[str, object]
) -> None:
    row = {"id": "mug"} | change

    answer = api.post("/v1/products/bulk", [row]).json()
    by_request = list(Product.objects.values_list(*FIELDS))
    Product.objects.all().delete()
    shop.catalog.attributes = {}
    shop.catalog.save()
    report = desk.products(desk.file(lines(row, {"id": "good"}), "rows.jsonl"))
    Product.objects.filter(external_id="good").delete()

    assert [error["reason"] for error in answer["errors"]] == list(report.reasons.values())
    assert list(Product.objects.values_list(*FIELDS)) == by_request
    assert len(by_request) == answer["added"]


@pytest.mark.parametrize("change", EVENTS, ids=named)
def test_an_event_is_taken_or_refused_alike(
    shop: Shop, api: Api, desk: Desk, change: dict[str, object]
) -> None:
    shop.stock(mug="Mug")
    row = {"user": "ann", "product": "mug", "type": "view", "at": VIEWED} | change
    fields = ("user__external_id", "product__external_id", "type", "at", "quantity", "value")

    results = api.post("/v1/events", [row]).json()["results"]
    by_request = list(Event.objects.values_list(*fields))
    Event.objects.all().delete()
    ids = ("--map", "event_id=id") if "id" in row else ()
    good = {"user": "good", "product": "mug", "type": "view", "at": VIEWED}
    report = desk.events(desk.file(lines(row, good), "rows.jsonl"), *ids)
    Event.objects.filter(user__external_id="good").delete()

    refused = [result["reason"] for result in results if result["status"] == "rejected"]
    assert refused == list(report.reasons.values())
    if "id" not in row:
        assert list(Event.objects.values_list(*fields)) == by_request
