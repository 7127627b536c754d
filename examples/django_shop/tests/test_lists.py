"""Lists in the shop's pages."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as project
from django.db import connection
from django.http import HttpRequest
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from kinship_client import NEVER, Kinship, calls
from kinship_client.django import recommend, related
from kinship_client.django.service import Pages
from kinship_client.django.visitors import Visitor
from shop.models import Product
from tests.conftest import Double, use

REC_ID = "019bf0f4-6a5e-7a57-9c0a-1f9f6d6f5b11"


def answer(*skus: str) -> dict[str, Any]:
    """A list of these, as the service answers it."""
    items = [
        {"id": sku, "rank": rank, "score": 1 / rank, "why": {"text": f"Because {rank}"}}
        for rank, sku in enumerate(skus, 1)
    ]
    return {"rec_id": REC_ID, "items": items}


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request: Any = rf.get("/")
    request.kinship = Visitor(request)
    return request  # type: ignore[no-any-return] # it is the factory's


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a service that takes a connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_rows_come_in_the_order_of_the_service_by_one_query(
    double: Double, products: list[Product], request_: HttpRequest
) -> None:
    double.usual = answer("press", "moka", "gone", "mug-red")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        listed = recommend(request_, "home")
    assert [product.sku for product in listed] == ["press", "moka", "mug-red"]
    assert len(queries) == 1
    assert listed.rec_id == REC_ID
    assert [product.kinship.rank for product in listed] == [1, 2, 4]
    assert listed[0].kinship.why == "Because 1"


def test_a_name_is_the_request_that_the_settings_have(
    double: Double, settings: Settings, db: None, request_: HttpRequest
) -> None:
    use(settings, LISTS={"home": {"count": 6}, "top": {"operation": "popular", "count": 2}})
    recommend(request_, "home", filter={"in_stock": True})
    recommend(request_, "top")
    recommend(request_, "home", cart=["moka"])
    recommend(request_, "checkout", count=2)
    user = getattr(request_, "kinship").id  # noqa: B009 - the request has no such member
    assert double.requests == [
        ("POST", f"/v1/users/{user}/recommendations", {"count": 6, "filter": {"in_stock": True}}),
        ("GET", "/v1/popular", None),
        ("POST", "/v1/recommendations", {"user": user, "count": 6, "cart": ["moka"]}),
        ("POST", f"/v1/users/{user}/recommendations", {"scenario": "checkout", "count": 2}),
    ]


def test_related_products_are_of_a_row_or_an_id(
    double: Double, products: list[Product], db: None
) -> None:
    double.usual = answer("moka")
    press = Product.objects.get(sku="press")
    assert related("similar", press, count=3)[0].sku == "moka"
    assert related("bought_together", "press")[0].sku == "moka"
    page = Template("{% load kinship %}{% complements p count=1 as l %}{{ l.0 }} {{ l.rec_id }}")
    assert page.render(Context({"p": press})) == f"Moka pot for six {REC_ID}"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "silent"])
def test_a_page_is_whole_though_the_service_is_away(
    url: str, silent: str, settings: Settings, products: list[Product], client: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    use(settings, URL=silent if url == "silent" else url, TIMEOUT=0.05)
    page = client.get("/").content.decode()
    assert "All products" in page
    assert "For you" not in page
    assert "no list from Kinship" in caplog.text
    assert caplog.text.count("no list from Kinship") == 1, "the second list was waited for, too"


def test_after_a_while_the_service_is_asked_again(double: Double) -> None:
    now = [0.0]
    client = Kinship(project.KINSHIP["URL"], "key", retries=NEVER)
    pages = Pages(client, clock=lambda: now[0])
    double.status = 503
    assert pages.ask(calls.popular()) is None
    double.status = 200
    assert pages.ask(calls.popular()) is None
    assert len(double.requests) == 1
    now[0] = 6.0
    assert pages.ask(calls.popular()) is not None


def test_a_request_that_the_service_refuses_is_an_empty_list_and_the_next_is_asked(
    double: Double, db: None, request_: HttpRequest, caplog: pytest.LogCaptureFixture
) -> None:
    double.status = 400
    double.usual = {"type": "urn:kinship:problem:invalid-filter", "detail": "Unknown field."}
    assert recommend(request_, "home") == []
    assert recommend(request_, "home") == []
    assert len(double.requests) == 2
    assert "Unknown field." in caplog.text


def test_lists_of_the_running_service_are_rows_of_the_shop(
    kinship: Kinship, products: list[Product], settings: Settings, request_: HttpRequest
) -> None:
    use(settings, TIMEOUT=30, LISTS={"latest": {"operation": "new", "count": 3}})
    latest = recommend(request_, "latest")
    assert {type(row) for row in latest} == {Product}
    assert len(latest) == 3
    assert len(recommend(request_, "latest", filter={"category": {"under": "Garden"}})) == 3
