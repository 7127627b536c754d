"""The whole catalog over REST, page by page."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recommender.models import Product, SeenProduct, Sync
from tests.recommender.api.client import Api, problem
from tests.shop import Shop, numbered

SYNC = "/v1/products/sync"


def page(*ids: str) -> list[dict[str, Any]]:
    return [{"id": key, "title": f"Product {key}"} for key in ids]


def sent(api: Api, products: Sequence[Any] = (), token: str = "t", **more: Any) -> dict[str, Any]:
    response = api.post(SYNC, {"token": token, "products": products, **more})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def on_sale(shop: Shop) -> set[str]:
    products = Product.objects.filter(catalog=shop.catalog, deleted_at=None)
    return set(products.values_list("external_id", flat=True))


@pytest.fixture
def ten(shop: Shop) -> Shop:
    """A shop with p0 to p9."""
    shop.stock(**numbered(10))
    return shop


def test_what_no_page_had_is_taken_off_sale_at_the_end(ten: Shop, api: Api) -> None:
    first = sent(api, page("p0", "p1", "p2", "p3", "new"))
    assert first == {
        "accepted": 5,
        "added": 1,
        "changed": 4,
        "unchanged": 0,
        "rejected": 0,
        "errors": [],
        "seen": 5,
        "done": False,
        "removed": 0,
    }
    assert len(on_sale(ten)) == 11

    last = sent(api, page("p4", "p5", "p6", "p7"), done=True)

    assert (last["accepted"], last["seen"], last["done"], last["removed"]) == (4, 9, True, 2)
    assert on_sale(ten) == {*(f"p{n}" for n in range(8)), "new"}
    assert ten.product("p9").deleted_at is not None
    sent(api, page("p9"), token="later")
    assert "p9" in on_sale(ten)


def test_a_page_and_the_end_may_be_sent_again(ten: Shop, api: Api) -> None:
    pages = [page(*(f"p{n}" for n in range(5))), page(*(f"p{n}" for n in range(5, 9)))]
    for _ in range(2):
        assert sent(api, pages[0])["seen"] == 5
    for _ in range(3):
        answer = sent(api, pages[1], done=True)
        assert (answer["seen"], answer["removed"]) == (9, 1)
    assert sent(api, done=True)["removed"] == 1
    assert sent(api, pages[0])["unchanged"] == 5
    assert len(on_sale(ten)) == 9


def test_a_token_that_is_done_serves_no_other_sync(ten: Shop, api: Api) -> None:
    sent(api, page(*(f"p{n}" for n in range(10))), done=True)

    used = problem(api.post(SYNC, {"token": "t", "products": page("p0", "q")}), 409, "token-used")
    assert "another token" in used["detail"]
    assert "q" not in on_sale(ten)
    hours_ago = timezone.now() - timedelta(hours=2)
    Sync.objects.update(done_at=hours_ago)
    problem(api.post(SYNC, {"token": "t", "products": page("p0"), "done": True}), 409, "token-used")
    assert len(on_sale(ten)) == 10
    # It is forgotten after eight days.
    Sync.objects.update(used_at=timezone.now() - timedelta(days=9))
    assert sent(api, page("p0"))["seen"] == 1


def test_more_than_a_fifth_is_a_conflict_with_its_counts_unless_it_is_forced(
    ten: Shop, api: Api
) -> None:
    products = [*page("p0", "p1"), {"id": "p2", "price": -1}]
    body = {"token": "t", "products": products, "done": True}
    for _ in range(2):
        refused = problem(api.post(SYNC, body), 409, "too-many-removed")
        assert (refused["would_remove"], refused["on_sale"], refused["removed"]) == (7, 10, 0)
        assert (refused["accepted"], refused["rejected"]) == (2, 1)
        assert refused["errors"] == [{"where": "body.products.2", "message": "price is negative"}]
        assert "7 of the 10 products" in refused["detail"]
        assert len(on_sale(ten)) == 10
    # The pages that were missing may still come.
    sent(api, page(*(f"p{n}" for n in range(3, 8))))
    assert sent(api, done=True)["removed"] == 2

    assert sent(api, page("p0"), token="forced", done=True, force=True)["removed"] == 7
    assert on_sale(ten) == {"p0"}


def test_a_rejected_product_whose_id_can_be_read_stays(ten: Shop, api: Api) -> None:
    body = (
        b'{"token": "t", "done": true, "products": ['
        b'{"id": "p0"}, {"id": "p1", "price": "cheap"}, {"id": "p2", "title": "\\ud800"}, '
        b'{"id": "p3", "title": "\xff"}, {"id": "p4", "title": "a\\u0000"}, {"id": "p5", "x": 1}, '
        b'{"id": "p6", "attributes": {"a": {}}}, {"id": " p7 "}, {"title": "x"}, 5, null]}'
    )
    response = api.send("POST", SYNC, body)

    assert response.status_code == 200, response.content
    answer = response.json()
    assert (answer["accepted"], answer["rejected"], answer["removed"]) == (2, 9, 2)
    assert [error["row"] for error in answer["errors"]] == [1, 2, 3, 4, 5, 6, 8, 9, 10]
    assert on_sale(ten) == {f"p{n}" for n in range(8)}


def test_what_others_write_meanwhile_stays(ten: Shop, api: Api) -> None:
    sent(api, page(*(f"p{n}" for n in range(9))))
    api.put("/v1/products/other", {"title": "Of another system"})
    assert sent(api, done=True)["removed"] == 1
    assert on_sale(ten) == {*(f"p{n}" for n in range(9)), "other"}


@pytest.mark.parametrize("products", [[], [{"id": "p0", "price": -1}]])
def test_a_sync_without_a_product_removes_nothing(ten: Shop, api: Api, products: list[Any]) -> None:
    body = {"token": "t", "products": products, "done": True, "force": True}
    problem(api.post(SYNC, body), 409, "nothing-sent")
    assert len(on_sale(ten)) == 10


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"products": []}, "body.token"),
        ({"token": ""}, "body.token"),
        ({"token": "x" * 256}, "body.token"),
        ({"token": "a\x00b"}, "body.token"),
        ({"token": "t", "products": {}}, "body.products"),
        ({"token": "t", "done": "yes"}, "body.done"),
        ({"token": "t", "finished": True}, "body.finished"),
    ],
)
def test_what_is_no_page_is_refused_and_says_where(api: Api, body: Any, where: str) -> None:
    refused = problem(api.post(SYNC, body), 400, "invalid")
    assert [error["where"] for error in refused["errors"]] == [where]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5", b"null", b'{"token": NaN}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(api: Api, body: bytes) -> None:
    problem(api.send("POST", SYNC, body), 400)


def test_too_many_products_in_a_page_are_refused(api: Api) -> None:
    body = {"token": "t", "products": [{"id": "a"}] * 10_001}
    assert "10,000" in problem(api.post(SYNC, body), 400, "too-many-rows")["detail"]


def test_it_needs_a_server_key_and_sees_only_its_catalog(
    ten: Shop, api: Api, browser: Api, stranger: Api
) -> None:
    problem(browser.post(SYNC, {"token": "t"}), 403, "wrong-scope")
    problem(Api(None).post(SYNC, {"token": "t"}), 401)
    assert sent(stranger, page("p0"), done=True)["removed"] == 0
    assert len(on_sale(ten)) == 10
    assert SeenProduct.objects.filter(sync__catalog=ten.catalog).count() == 0
