import uuid
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.db import transaction
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from embeddings.calls import rate_limit
from embeddings.calls.rate_limit import UNLIMITED, Limiter, Pace, Rate
from embeddings.spec import ModelSpec
from recommender.models import RatePace
from recommender.providers import limiter as limiter_module
from recommender.providers import models, postgres_pace, valkey_pace
from recommender.providers.config import ModelsConfig
from recommender.providers.limiter import SharedLimiter, limiter
from tests.threads import at_once

NOWHERE = "redis+socket:///nowhere/valkey.sock?virtual_host=0"
RABBIT = "amqp://guest:guest@127.0.0.1:5672//"
# A hundred requests a second, so that nobody waits for long.
FAST = Rate(requests=100.0)


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def server() -> redis.Redis:
    found = valkey_pace.client(django_settings.CELERY_BROKER_URL)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def no_outage() -> Iterator[None]:
    """What a test learns of the Valkey, the next one does not know."""
    limiter_module._outage = limiter_module._Outage()
    yield
    limiter_module._outage = limiter_module._Outage()


def spec(**changes: Any) -> ModelSpec:
    hosted = ModelSpec(
        key="paced",
        dimension=8,
        dimensions=(8,),
        max_rows=10,
        max_tokens=512,
        requests_per_minute=6000,
        provider=uuid.uuid4().hex,
        is_hosted=True,
    )
    return replace(hosted, **changes)


def waits(paced: Limiter, calls: int) -> list[float]:
    return [paced.delay(1) for _ in range(calls)]


every_store = pytest.mark.parametrize("broker_url", [None, RABBIT], ids=["valkey", "postgres"])


@pytest.fixture
def shared(broker_url: str | None, settings: Any) -> None:
    if broker_url:
        settings.CELERY_BROKER_URL = broker_url


@every_store
def test_all_who_use_a_model_share_its_pace(transactional_db, shared, broker_url) -> None:
    paced = spec()

    found = at_once(4, lambda _: waits(limiter(paced), 10))

    slots = sorted(wait for mine in found for wait in mine)
    # 40 slots while the pace ramps up from a quarter of 95 a second.
    assert 0.7 < slots[-1] < 1.2
    assert RatePace.objects.count() == (1 if broker_url else 0)


@every_store
def test_a_refusal_holds_everybody_back(transactional_db, shared, broker_url) -> None:
    paced = spec()
    waits(limiter(paced), 3)
    limiter(paced).throttled(20.0)

    assert limiter(paced).delay(1) == pytest.approx(20.0, abs=2)


@every_store
def test_who_would_wait_too_long_takes_no_slot(transactional_db, shared, broker_url) -> None:
    paced = limiter(spec())
    paced.throttled(500.0)

    assert waits(paced, 30) == pytest.approx([500.0] * 30, abs=5)


@every_store
def test_models_do_not_slow_each_other_down(transactional_db, shared, broker_url) -> None:
    one, other = spec(), spec()
    limiter(one).throttled(60.0)

    assert limiter(other).delay(1) == 0.0


@every_store
def test_the_tokens_of_a_call_count(transactional_db, shared, broker_url) -> None:
    paced = limiter(spec(tokens_per_minute=60_000))
    assert paced.delay(9500) == 0.0
    # Ten seconds at the full rate, and the ramp before it.
    assert paced.delay(1) == pytest.approx(10.75, abs=0.3)


def test_both_protocols_of_a_model_share_its_limit(transactional_db) -> None:
    native = spec()
    compatible = replace(native, key=f"{native.key}@compatible")
    limiter(native).throttled(60.0)

    assert limiter(compatible).delay(1) == pytest.approx(60.0, abs=2)


def test_a_local_model_and_one_without_limits_are_not_paced() -> None:
    assert limiter(spec(is_hosted=False)) is UNLIMITED
    assert limiter(spec(requests_per_minute=None)) is UNLIMITED


def test_without_its_valkey_it_goes_through_postgresql_and_says_so_once(
    transactional_db, settings
) -> None:
    paced = limiter(spec())
    away, there = NOWHERE, settings.CELERY_BROKER_URL
    settings.CELERY_BROKER_URL = away
    with capture_logs() as logs:
        found = waits(paced, 20)
        limiter_module._outage.until = 0.0
        found += waits(paced, 10)
        settings.CELERY_BROKER_URL = there
        limiter_module._outage.until = 0.0
        paced.delay(1)

    assert found == sorted(found)
    assert found[-1] > 0.5
    assert RatePace.objects.count() == 1
    assert [it["event"] for it in logs] == [
        "rate limits go through PostgreSQL: no Valkey",
        "rate limits go through Valkey again",
    ]


def test_a_lock_on_the_pace_is_never_kept_for_the_length_of_a_callers_transaction(
    transactional_db, settings, key
) -> None:
    settings.CELERY_BROKER_URL = RABBIT
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        SharedLimiter(key, FAST).delay(1)


def test_accounts_do_not_slow_each_other_down_and_no_key_is_told(
    transactional_db, settings, server
) -> None:
    model, secrets = models.spec("text-embedding-v4"), [uuid.uuid4().hex, uuid.uuid4().hex]
    mine, theirs = (ModelsConfig({}, {"DASHSCOPE_API_KEY": secret}) for secret in secrets)
    settings.MODELS = mine
    limiter(model).throttled(60.0)
    assert limiter(model).delay(1) == pytest.approx(60.0, abs=2)
    settings.MODELS = theirs
    assert limiter(model).delay(1) == 0.0

    names = b" ".join(server.scan_iter("kinship:pace:*")).decode()
    assert not any(secret in names for secret in secrets)


@pytest.mark.parametrize(
    ("broker", "where"),
    [
        ("redis+socket:///run/v.sock?virtual_host=0", {"path": "/run/v.sock", "db": 0}),
        ("redis+socket:///run/v.sock?virtual_host=/3", {"path": "/run/v.sock", "db": 3}),
        (
            "redis://:secret@cache:6379/1",
            {"host": "cache", "port": 6379, "db": 1, "password": "secret"},
        ),
        (
            "rediss://cache?ssl_cert_reqs=CERT_NONE",
            {"host": "cache", "ssl_cert_reqs": "none"},
        ),
    ],
)
def test_a_broker_is_found_where_celery_finds_it(broker: str, where: dict[str, Any]) -> None:
    found = valkey_pace.client(broker)
    assert found is not None
    assert found.get_connection_kwargs().items() >= where.items()


@pytest.mark.parametrize("broker", ["amqp://broker//", "sentinel://a:26379;sentinel://b:26379"])
def test_other_brokers_keep_no_pace(broker: str) -> None:
    assert valkey_pace.client(broker) is None


@pytest.mark.parametrize("where", ["valkey", "postgresql"])
def test_who_does_not_wait_takes_no_slot_of_those_who_do(where, transactional_db, settings, key):
    if where == "postgresql":
        settings.CELERY_BROKER_URL = "amqp://broker//"
    slow = SharedLimiter(key, Rate(requests=0.1))
    assert slow.delay(1) == 0.0
    hasty = [slow.delay(1, longest=2.0) for _ in range(20)]
    assert min(hasty) > 2.0
    assert slow.delay(1) == pytest.approx(hasty[0], abs=2)


def test_a_pace_that_nobody_uses_is_forgotten(server, key) -> None:
    valkey_pace.reserve(server, key, FAST, 1, rate_limit.LONGEST_WAIT)

    assert 0 < server.ttl(f"kinship:pace:{key}") < 2 * rate_limit.LONGEST_HOLD


# Times around a `now` of 1,000 s, so that holds, idleness and waits all come up.
times = st.just(0.0) | st.floats(800.0, 1200.0)
paces = st.builds(
    Pace,
    requests_at=times,
    tokens_at=times,
    share=st.just(0.0) | st.floats(rate_limit.FLOOR, 1.0),
    share_at=times,
    held_until=times,
) | st.builds(
    lambda at, share: Pace(share=share, share_at=at, held_until=at), times, st.floats(0, 1)
)
steps = st.lists(
    st.tuples(
        st.floats(0, 40),
        st.one_of(
            st.tuples(st.just("reserve"), st.integers(1, 100_000), st.floats(0, 200)),
            st.tuples(st.just("hold"), st.none() | st.floats(0, 5000), st.just(0.0)),
        ),
    ),
    min_size=1,
    max_size=12,
)
rates = st.builds(
    Rate, requests=st.floats(0.01, 500) | st.just(float("inf")), tokens=st.floats(1, 1e6)
)


@hypothesis_settings(max_examples=150)
@given(pace=paces, rate=rates, steps=steps)
def test_the_script_and_the_library_agree(pace: Pace, rate: Rate, steps: list[Any]) -> None:
    server = valkey_pace.client(django_settings.CELERY_BROKER_URL)
    assert server is not None
    name, now = f"test:{uuid.uuid4().hex}", 1000.0
    clock = "local now = tonumber(ARGV[#ARGV])\n"
    reserve = server.register_script(clock + valkey_pace.RESERVE)
    hold = server.register_script(clock + valkey_pace.HOLD)
    server.hset(name, mapping={field: repr(value) for field, value in asdict(pace).items()})
    for seconds, (kind, amount, longest) in steps:
        now += seconds
        if kind == "reserve":
            pace, wait = rate_limit.reserved(pace, now, rate, amount, longest)
            args = [*map(repr, rate.seconds(amount)), repr(longest), repr(now)]
            assert float(reserve(keys=[name], args=args)) == pytest.approx(wait, abs=1e-9)
        else:
            pace = rate_limit.held(pace, now, amount)
            hold(keys=[name], args=[repr(amount or 0.0), repr(now)])
        stored = server.hgetall(name)
        kept = Pace(**{it.name: float(stored[it.name.encode()]) for it in fields(Pace)})
        assert asdict(kept) == pytest.approx(asdict(pace), rel=1e-12, abs=1e-9)
    server.delete(name)


def test_postgresql_keeps_what_the_library_says(transactional_db, key) -> None:
    postgres_pace.reserve(key, FAST, 1, rate_limit.LONGEST_WAIT)
    first = RatePace.objects.get(key=key)
    postgres_pace.hold(key, 7.0)
    row = RatePace.objects.get(key=key)

    assert (first.share, first.share_at) == (
        rate_limit.START,
        pytest.approx(row.held_until - 7, abs=2),
    )
    assert row.held_until == row.share_at
    assert row.share == pytest.approx(rate_limit.START / 2, abs=0.05)
