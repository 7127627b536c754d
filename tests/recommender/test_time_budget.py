"""What is slow here waits for a lock that another session holds: the server stops it, truly."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction

from recommender import database, time_budget
from recommender.catalog import catalogs
from recommender.history import popularity
from recommender.models import ApiKey
from recommender.time_budget import TimeUpError
from tests.recommender import goods
from tests.recommender.api.client import Api, items, problem
from tests.shop import Shop

NEIGHBOURS, PRODUCTS = "recommender_productneighbor", "recommender_product"


@pytest.fixture
def visited(committed_shop: Shop) -> Shop:
    goods.stock(committed_shop)
    committed_shop.visit("u1", "mug-red", "mug-green")
    popularity.refresh(committed_shop.catalog)
    return committed_shop


@pytest.fixture
def caller(visited: Shop) -> Api:
    api = Api(catalogs.create_key(visited.catalog, ApiKey.Scope.SERVER))
    # What is read once a process is read.
    for address in ("/v1/users/u1/recommendations", "/v1/search?q=mug&user=u1"):
        assert items(api.get(address))
    return api


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Have every statement that reads this table wait."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def test_a_list_that_takes_too_long_is_what_is_popular_and_says_so(caller: Api) -> None:
    address = "/v1/users/u1/recommendations"
    whole = caller.get(address, timeout_ms=5000).json()
    assert (whole["degraded"], whole["fallback"]) == ({}, None)
    assert whole["items"] == caller.get(address).json()["items"]
    with locked(NEIGHBOURS):
        began = time.monotonic()
        late = caller.get(address, timeout_ms=400, count=3).json()
        assert time.monotonic() - began < 2
    assert late["degraded"] == {"for_user": "timeout"}
    assert late["fallback"] == "popular"
    assert len(late["items"]) == 3


def test_a_search_goes_without_what_takes_too_long(visited: Shop, caller: Api) -> None:
    asked = {"q": "mug", "user": "u1", "timeout_ms": 600, "count": 4}
    with locked(f"recommender_productvector_{visited.space.pk}"):
        found = caller.post("/v1/search", asked).json()
    assert found["degraded"] == {"text": "timeout", "personal": "timeout"}
    assert {item["id"].partition("-")[0] for item in found["items"]} == {"mug"}
    assert all(item["why"]["contributions"].keys() == {"words"} for item in found["items"])
    assert "timeout" not in caller.post("/v1/search", asked).json()["degraded"].values()


def test_a_page_goes_without_the_rows_that_take_too_long(caller: Api) -> None:
    address = "/v1/users/u1/rows"
    with locked(NEIGHBOURS):
        began = time.monotonic()
        page = caller.get(address, timeout_ms=2000, count=3, trace="true").json()
        assert time.monotonic() - began < 4
    assert page["degraded"] == {"for_you": "timeout"}
    codes = [row["code"] for row in page["rows"]]
    assert codes, "what needs no neighbours"
    assert "for_you" not in codes
    assert any(stage["stage"] == "row" for stage in page["trace"])
    with locked("recommender_productpopularity"):
        page = caller.get(address, timeout_ms=2000, count=3).json()
    assert page["degraded"]["rows"] == "timeout"
    assert not {"trending", "popular"} & {row["code"] for row in page["rows"]}
    whole = caller.get(address, timeout_ms=20_000, count=3).json()
    assert (whole["degraded"], whole["rows"][0]["code"]) == ({}, "for_you")


def test_segments_and_audience_that_take_too_long_are_empty_and_say_so(
    visited: Shop, caller: Api
) -> None:
    with locked(NEIGHBOURS):
        late = caller.get("/v1/users/u1/segments", timeout_ms=300, trace="true").json()
    assert (late["items"], late["degraded"]) == ([], {"segments": "timeout"})
    assert late["trace"]
    with locked(f"recommender_profilevector_{visited.space.pk}"):
        late = caller.get("/v1/products/mug-blue/audience", timeout_ms=300, trace="true").json()
    assert (late["items"], late["degraded"]) == ([], {"audience": "timeout"})
    assert [stage["stage"] for stage in late["trace"]] == ["audience"]


def test_what_cannot_be_answered_in_time_at_all_is_a_503(caller: Api) -> None:
    with locked(PRODUCTS):
        late = caller.get("/v1/products/mug-red/similar", timeout_ms=100)
    assert "within 100 ms" in problem(late, 503, "took-too-long")["detail"]
    assert items(caller.get("/v1/products/mug-red/similar"))


def test_a_budget_ends_with_its_request(caller: Api) -> None:
    before = database.fetch("SHOW statement_timeout")
    with time_budget.within(0.05), pytest.raises(TimeUpError):
        database.fetch("SELECT pg_sleep(5)")
    with time_budget.within(1):
        assert database.fetch("SELECT %s + 1", (1,)) == [(2,)]
        with time_budget.a_part(0.5):
            assert (time_budget.left() or 0) <= 0.5
    assert time_budget.left() is None
    assert database.fetch("SHOW statement_timeout") == before
    with transaction.atomic():
        with time_budget.within(5):
            assert database.fetch("SHOW statement_timeout") == [("5s",)]
        assert database.fetch("SHOW statement_timeout") == before


@pytest.mark.parametrize("milliseconds", [9, 60_001, "soon", 20.5])
def test_a_budget_that_cannot_be_is_refused(shop: Shop, milliseconds: object) -> None:
    api = Api(catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER))
    for response in (
        api.post("/v1/search", {"q": "mug", "timeout_ms": milliseconds}),
        api.get("/v1/new", timeout_ms=milliseconds),
    ):
        errors = problem(response, 400, "invalid")["errors"]
        assert errors[0]["where"].endswith(".timeout_ms")
