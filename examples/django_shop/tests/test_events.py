"""What happens in the shop is told to the service."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import Client, RequestFactory

from kinship_client.django import service, track
from kinship_client.django.visitors import Visitor
from shop.models import Product
from tests.conftest import Double

REC_ID = "019bf0f4-6a5e-7a57-9c0a-1f9f6d6f5b11"


def sent(double: Double) -> list[dict[str, Any]]:
    """The events that came."""
    service.events().flush()
    return [event for body in double.sent("/v1/events") for event in body]


def test_a_walk_through_the_shop_is_told(
    double: Double, products: list[Product], client: Client
) -> None:
    client.get("/product/moka/", {"rec_id": REC_ID})
    client.post("/product/moka/add/")
    client.post("/buy/")
    events = sent(double)
    assert [(one["type"], one["product"]) for one in events] == [
        ("view", "moka"), ("add_to_cart", "moka"), ("purchase", "moka"),
    ]  # fmt: skip
    assert events[0]["rec_id"] == REC_ID
    assert (events[2]["quantity"], events[2]["value"]) == (1, 32.0)
    assert len({one["id"] for one in events}) == 3


def test_a_rec_id_that_is_none_is_left_out(
    double: Double, products: list[Product], client: Client
) -> None:
    client.get("/product/moka/", {"rec_id": "<script>"})
    assert sent(double)[0]["rec_id"] is None


def test_what_is_rolled_back_has_not_happened(double: Double, transactional_db: None) -> None:
    request: Any = RequestFactory().get("/")
    request.kinship = Visitor(request)
    with transaction.atomic():
        track(request, "purchase", "moka")
        transaction.set_rollback(True)
    track(request, "search", query="espresso")
    assert [one["type"] for one in sent(double)] == ["search"]


def test_without_the_middleware_it_says_what_to_add() -> None:
    with pytest.raises(ImproperlyConfigured, match="VisitorMiddleware"):
        track(RequestFactory().get("/"), "view", "moka")
