"""The client against the running service: each call, as a shop makes it."""

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import jwt
import pytest

from kinship_client import (
    AsyncKinship,
    Kinship,
    KinshipError,
    KinshipUnreachableError,
    Retries,
    sign_user_token,
)
from tests.clients.conftest import Running

pytestmark = pytest.mark.slow

SHOPPER = "sim-coffee-lover-01"
COFFEE = "foo-001"


def test_a_product_is_read_as_it_was_put_whatever_its_id(kinship: Kinship) -> None:
    for product in ("client mug", "client/mug", "client%2Fmug", "client?mug", "client-é🫖"):
        put = kinship.put_product(
            product,
            {
                "title": "Mug",
                "price": Decimal("9.50"),
                "currency": "EUR",
                "released_at": datetime(2025, 1, 2, tzinfo=UTC),
                "attributes": {"colour": "red"},
            },
        )
        assert kinship.get_product(product) == put
        assert (put["id"], put["title"], put["price"]) == (product, "Mug", 9.5)
        changed = kinship.patch_product(product, {"price": 8})
        assert (changed["title"], changed["price"]) == ("Mug", 8)
        kinship.delete_product(product)
        with pytest.raises(KinshipError) as gone:
            kinship.get_product(product)
        assert gone.value.status == 404
        assert gone.value.type == "urn:kinship:problem:unknown-product"
        assert gone.value.missing_ids == [product]


def test_of_many_products_each_that_is_rejected_is_told(kinship: Kinship) -> None:
    written = kinship.put_products(
        [{"id": "bulk-1", "title": "One"}, {"id": "bulk-2", "price": "much"}]
    )
    assert (written["added"], written["rejected"]) == (1, 1)
    assert written["errors"][0]["row"] == 1
    assert kinship.patch_products([{"id": "bulk-1", "in_stock": False}])["changed"] == 1
    kinship.delete_product("bulk-1")


def test_all_products_are_read_page_by_page(running: Running, kinship: Kinship) -> None:
    ids = [product["id"] for product in kinship.products()]
    assert len(ids) == len(set(ids)) > 200

    async def read() -> list[str]:
        async with AsyncKinship(running.url, running.server_key) as client:
            return [product["id"] async for product in client.products()]

    assert asyncio.run(read()) == ids


def test_a_sync_takes_off_sale_what_is_sent_no_more(running: Running) -> None:
    running.service.manage("create_catalog", "synced")
    key = running.service.manage("create_api_key", "synced", "--scope", "server").strip()
    with Kinship(running.url, key) as client:
        first = client.sync({"id": f"p{n}", "title": f"Mug {n}"} for n in range(2500))
        assert (first["done"], first["seen"]) == (True, 2500)
        second = client.sync({"id": f"p{n}", "title": f"Mug {n}"} for n in range(2400))
        assert second["removed"] == 100
        with pytest.raises(KinshipError) as refused:
            client.sync([{"id": "p1", "title": "Mug 1"}])
        assert refused.value.type == "urn:kinship:problem:too-many-removed"
        assert client.sync([{"id": "p1", "title": "Mug 1"}], force=True)["removed"] == 2399


def test_a_list_of_every_kind_is_answered(kinship: Kinship) -> None:
    lists = [
        kinship.recommendations(SHOPPER, count=3, fields=["title", "price"], explain=True),
        kinship.recommend(products=[COFFEE, {"id": "kit-002", "weight": -1}], count=3),
        kinship.recommend(cart=["kit-001"], user=SHOPPER, count=3),
        kinship.similar(COFFEE, count=3, filter={"price": {"lte": 100}}),
        kinship.bought_together(COFFEE, count=3),
        kinship.complements(COFFEE, count=3),
        kinship.popular(count=3, category="Kitchen", window="all", filter={"in_stock": True}),
        kinship.trending(count=3, max_per={"brand": 3}),
        kinship.new(count=3, fields=["title"], boost=[{"when": {"in_stock": True}, "times": 1.1}]),
        kinship.search("coffee", count=3, user=SHOPPER, facets=["brand"]),
    ]
    for answer in lists:
        assert answer["rec_id"]
        assert len(answer["items"]) == 3, answer
    assert lists[0]["items"][0]["fields"]["title"]
    assert lists[0]["items"][0]["why"]["text"]


def test_a_list_goes_on_and_lists_come_together(kinship: Kinship) -> None:
    first = kinship.new(count=3)
    second = kinship.next_page(first["rec_id"], count=4)
    assert len(second["items"]) == 4
    assert not {i["id"] for i in first["items"]} & {i["id"] for i in second["items"]}

    batch = kinship.batch(
        [{"operation": "popular", "count": 2}, {"operation": "similar", "product": "no such"}]
    )
    assert [one["status"] for one in batch["answers"]] == [200, 404]


def test_rows_segments_audience_suggestions_and_reasons(kinship: Kinship) -> None:
    assert kinship.rows(SHOPPER, rows=2, count=3)["rows"]
    assert kinship.segments(SHOPPER, by="category", count=2)["items"]
    assert "items" in kinship.audience(COFFEE, count=3, exclude=["purchased"])
    assert kinship.suggest("espr", user=SHOPPER)["suggestions"]
    told = kinship.explain("kit-020", user=SHOPPER, count=3)
    assert told["stage"]
    assert told["reason"]


def test_reasons_come_in_the_language_asked_for(running: Running) -> None:
    with Kinship(running.url, running.server_key, language="de") as client:
        text = client.similar(COFFEE, count=1, explain=True)["items"][0]["why"].get("text")
    assert text is not None
    assert text.startswith("Ähnlich")


def test_insight_is_found_out_and_read(kinship: Kinship) -> None:
    assert "clusters" in {kind["name"] for kind in kinship.insight_kinds()["items"]}
    run = kinship.start_insight("clusters", {"k": 4})
    assert kinship.insight_run(run["id"])["kind"] == "clusters"
    assert run["id"] in {one["id"] for one in kinship.insight_runs(kind="clusters")["items"]}
    assert "items" in kinship.findings(run["id"], limit=3)
    ended = kinship.cancel_insight(run["id"])
    assert ended["id"] == run["id"]
    numbers = [[20.0 + n % 7, n % 5] for n in range(40)] + [[980.0, 840.0]]
    assert kinship.outliers(numbers, ["amount", "km"])["items"][0]["row"] == 40


def test_what_a_user_does_counts_once_however_often_it_is_sent(kinship: Kinship) -> None:
    user = f"client-{uuid4()}"
    assert kinship.put_user(user, {"country": "DE"})["attributes"] == {"country": "DE"}
    events = [{"id": f"{user}-1", "type": "view", "user": user, "product": COFFEE}]
    assert kinship.send_events(events)["accepted"] == 1
    assert kinship.send_events(events)["duplicate"] == 1
    assert kinship.get_user(user)["last_event_at"]
    assert kinship.recommendations(user, count=3)["fallback"] is None
    kinship.delete_user(user)
    with pytest.raises(KinshipError, match="no user"):
        kinship.get_user(user)


def test_a_visitor_becomes_the_user_who_signed_in(kinship: Kinship) -> None:
    visitor, user = f"visitor-{uuid4()}", f"client-{uuid4()}"
    kinship.send_events([{"type": "view", "user": visitor, "product": COFFEE}])
    assert kinship.merge_user(user, visitor)["events"] == 1
    assert kinship.merge_user(user, visitor)["missing_ids"] == [visitor]
    assert kinship.recommendations(user)["fallback"] is None


def test_an_error_says_what_is_wrong_and_where(kinship: Kinship) -> None:
    with pytest.raises(KinshipError) as wrong:
        kinship.recommend(count=5000)
    assert wrong.value.status == 400
    assert wrong.value.errors[0]["where"] == "body.count"
    assert wrong.value.request_id
    assert not wrong.value.is_passing
    assert "(400, invalid)" in str(wrong.value)


def test_a_wrong_key_and_a_service_that_is_not_there_are_told_apart(running: Running) -> None:
    with (
        Kinship(running.url, "no-such-key") as client,
        pytest.raises(KinshipError) as refused,
    ):
        client.popular()
    assert refused.value.status == 401
    with (
        Kinship("http://127.0.0.1:9", "key", retries=Retries(1, 0.01)) as client,
        pytest.raises(KinshipUnreachableError, match=r"127.0.0.1:9/v1/popular does not"),
    ):
        client.popular()


def test_a_signed_token_lets_a_browser_key_speak_for_its_user(running: Running) -> None:
    secret = running.service.manage("create_api_key", "demo", "--scope", "token").strip()
    token = sign_user_token(secret, SHOPPER)
    with Kinship(running.url, running.browser_key) as guest:
        assert guest.recommendations(SHOPPER)["fallback"] == "no_user_token"
    with Kinship(running.url, running.browser_key, user_token=token) as user:
        assert user.recommendations(SHOPPER)["fallback"] is None
    claims = jwt.decode(token, secret, ["HS256"])
    assert claims["sub"] == SHOPPER
    assert 3500 < claims["exp"] - time.time() <= 3600


def test_calls_at_once_are_answered_each_with_its_own(running: Running) -> None:
    async def ask() -> list[str]:
        async with AsyncKinship(running.url, running.server_key) as client:
            answers = await asyncio.gather(*(client.get_product(f"foo-00{n}") for n in range(1, 6)))
        return [answer["id"] for answer in answers]

    assert asyncio.run(ask()) == [f"foo-00{n}" for n in range(1, 6)]


def test_awaited_errors_are_the_same(running: Running) -> None:
    async def ask() -> None:
        async with AsyncKinship(running.url, running.server_key) as client:
            await client.similar("no-such")

    with pytest.raises(KinshipError) as unknown:
        asyncio.run(ask())
    assert unknown.value.missing_ids == ["no-such"]
