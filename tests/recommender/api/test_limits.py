from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client, override_settings
from limits.storage import storage_from_string
from prometheus_client import REGISTRY

from recommender.api import limits
from recommender.catalog import catalogs
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.shop import Shop


@pytest.fixture(autouse=True)
def counters() -> Iterator[None]:
    """Counters at the tests' broker that nobody has used, in a database of its own."""
    storage_from_string(settings.LIMITS_URL).reset()
    limits.forget()
    yield
    limits.forget()


def key_of(shop: Shop, scope: str = "server", **given: int) -> Api:
    return Api(catalogs.create_key(shop.catalog, scope, **given))


def test_the_request_after_the_last_is_refused_and_told_when_to_come_again(shop: Shop):
    key = key_of(shop, requests_per_minute=3)
    answers = [key.get("/v1/products") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0]["RateLimit-Limit"] == "3"
    detail = problem(answers[3], 429, "too-many-requests")["detail"]
    assert detail.startswith("This key may be used 3 times a minute. Ask again in ")
    assert 1 <= int(answers[3]["Retry-After"]) <= 60
    assert answers[3]["RateLimit-Reset"] == answers[3]["Retry-After"]


def test_by_the_short_way_it_is_the_same(stocked: Shop):
    key = key_of(stocked, requests_per_minute=1)
    first, second = (key.get("/v1/users/u1/recommendations") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert first["RateLimit-Remaining"] == "0"


def test_a_key_without_limits_is_not_counted(shop: Shop):
    assert "RateLimit-Limit" not in key_of(shop).get("/v1/products")


def test_keys_do_not_share_their_limits(shop: Shop):
    one, other = (key_of(shop, requests_per_minute=1) for _ in range(2))
    assert [key.get("/v1/products").status_code for key in (one, other, one)] == [200, 200, 429]


def test_an_address_has_a_limit_of_its_own(stocked: Shop):
    key = key_of(stocked, "browser", address_per_minute=1)
    headers = {"Authorization": f"Bearer {key.key}"}
    statuses = [
        Client(REMOTE_ADDR=address).get("/v1/popular", headers=headers).status_code
        for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1")
    ]
    assert statuses == [200, 200, 429]


def test_a_day_has_a_quota(shop: Shop):
    key = key_of(shop, requests_per_day=2)
    answers = [key.get("/v1/products") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2]["Retry-After"]) > 3600
    assert "2 times a day" in problem(answers[2], 429)["detail"]


def test_the_limit_that_is_nearest_is_told(shop: Shop):
    answer = key_of(shop, requests_per_minute=10, requests_per_day=5).get("/v1/products")
    assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("5", "4")


def test_many_at_once_in_several_clients_are_no_more_than_the_limit():
    """As several processes count: each with its own connection to the counters."""
    key = int(uuid4().int % 10**9)
    own = limits.Limits(key=key, minute=20, address_minute=None, day=None)
    ((item, identifiers),) = own.named(Client().get("/healthz").wsgi_request)
    strategies = [limits.strategies(storage_from_string(settings.LIMITS_URL))[0] for _ in range(4)]

    def hit(place: int) -> bool:
        return strategies[place % 4].hit(item, *identifiers)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(hit, range(200))) == 20


def test_where_the_counters_are_away_requests_go_on_and_a_metric_says_so(shop: Shop):
    key = key_of(shop, requests_per_minute=1)
    with override_settings(LIMITS_URL="redis://127.0.0.1:1/0"):
        limits.forget()
        before = REGISTRY.get_sample_value("kinship_uncounted_requests_total") or 0.0
        statuses = [key.get("/v1/products").status_code for _ in range(3)]
    assert statuses == [200, 200, 200]
    assert REGISTRY.get_sample_value("kinship_uncounted_requests_total") == before + 3


def test_a_broker_that_cannot_count_is_replaced_by_the_process(shop: Shop):
    with override_settings(LIMITS_URL="memory://"):
        limits.forget()
        key = key_of(shop, requests_per_minute=1)
        assert [key.get("/v1/products").status_code for _ in range(2)] == [200, 429]


def test_embedding_endpoints_refuse_in_their_own_protocol(shop: Shop):
    key = key_of(shop, "embed", requests_per_minute=1)
    body = {"model": "wordllama-256", "input": "a"}
    _, second = (key.post("/compatible-mode/v1/embeddings", body) for _ in range(2))
    assert second.status_code == 429
    assert second.json()["error"]["code"] == "limit_requests"
    assert int(second["Retry-After"]) >= 1


@pytest.mark.parametrize("wrong", [{"origins": ["shop.example.org"]}, {"requests_per_minute": -1}])
def test_limits_that_are_none_make_no_key(shop: Shop, wrong: dict[str, object]):
    with pytest.raises(catalogs.ValidationError):
        catalogs.create_key(shop.catalog, "browser", **wrong)
    assert not ApiKey.objects.exists()
