import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction

from embeddings.calls import rate_limit
from embeddings.calls.rate_limit import UNLIMITED, Limiter, Rate
from embeddings.spec import ModelSpec
from recommender.models import RateLimit
from recommender.providers import models
from recommender.providers.config import ModelsConfig
from recommender.providers.limiter import SharedLimiter, limiter
from tests.threads import at_once

# A hundred requests a second, so that nobody waits for long.
FAST = Rate(requests=100.0)


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def spec(**changes: Any) -> ModelSpec:
    hosted = ModelSpec(
        key="limited",
        dimension=8,
        dimensions=(8,),
        max_rows=10,
        max_tokens=512,
        requests_per_minute=6000,
        provider=uuid.uuid4().hex,
        is_hosted=True,
    )
    return replace(hosted, **changes)


def waits(limited: Limiter, calls: int) -> list[float]:
    return [limited.delay(1) for _ in range(calls)]


def test_all_who_use_a_model_share_its_rate_limit(transactional_db) -> None:
    limited = spec()

    delays = at_once(4, lambda _: waits(limiter(limited), 10))

    slots = sorted(wait for mine in delays for wait in mine)
    # 40 slots while the rate ramps up from a quarter of 95 a second.
    assert 0.7 < slots[-1] < 1.2
    assert RateLimit.objects.count() == 1


def test_a_refusal_holds_everybody_back(transactional_db) -> None:
    limited = spec()
    waits(limiter(limited), 3)
    limiter(limited).throttled(20.0)

    assert limiter(limited).delay(1) == pytest.approx(20.0, abs=2)


def test_who_would_wait_too_long_takes_no_slot(transactional_db) -> None:
    limited = limiter(spec())
    limited.throttled(500.0)

    assert waits(limited, 30) == pytest.approx([500.0] * 30, abs=5)


def test_models_do_not_slow_each_other_down(transactional_db) -> None:
    one, other = spec(), spec()
    limiter(one).throttled(60.0)

    assert limiter(other).delay(1) == 0.0


def test_the_tokens_of_a_call_count(transactional_db) -> None:
    limited = limiter(spec(tokens_per_minute=60_000))
    assert limited.delay(9500) == 0.0
    # Ten seconds at the full rate, and the ramp before it.
    assert limited.delay(1) == pytest.approx(10.75, abs=0.3)


def test_both_protocols_of_a_model_share_its_limit(transactional_db) -> None:
    native = spec()
    compatible = replace(native, key=f"{native.key}@compatible")
    limiter(native).throttled(60.0)

    assert limiter(compatible).delay(1) == pytest.approx(60.0, abs=2)


def test_a_local_model_and_one_without_limits_are_not_limited() -> None:
    assert limiter(spec(is_hosted=False)) is UNLIMITED
    assert limiter(spec(requests_per_minute=None)) is UNLIMITED


def test_a_lock_on_the_rate_is_never_kept_for_the_length_of_a_callers_transaction(
    transactional_db, key
) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        SharedLimiter(key, FAST).delay(1)


def test_accounts_do_not_slow_each_other_down_and_no_key_is_told(
    transactional_db, settings
) -> None:
    model, secrets = models.spec("text-embedding-v4"), [uuid.uuid4().hex, uuid.uuid4().hex]
    mine, theirs = (ModelsConfig({}, {"DASHSCOPE_API_KEY": secret}) for secret in secrets)
    settings.MODELS = mine
    limiter(model).throttled(60.0)
    assert limiter(model).delay(1) == pytest.approx(60.0, abs=2)
    settings.MODELS = theirs
    assert limiter(model).delay(1) == 0.0

    names = " ".join(RateLimit.objects.values_list("key", flat=True))
    assert not any(secret in names for secret in secrets)


def test_who_does_not_wait_takes_no_slot_of_those_who_do(transactional_db, key) -> None:
    slow = SharedLimiter(key, Rate(requests=0.1))
    assert slow.delay(1) == 0.0
    hasty = [slow.delay(1, longest=2.0) for _ in range(20)]
    assert min(hasty) > 2.0
    assert slow.delay(1) == pytest.approx(hasty[0], abs=2)


def test_the_row_keeps_what_the_library_says(transactional_db, key) -> None:
    shared = SharedLimiter(key, FAST)
    shared.delay(1)
    first = RateLimit.objects.get(key=key)
    shared.throttled(7.0)
    row = RateLimit.objects.get(key=key)

    assert (first.share, first.share_at) == (
        rate_limit.START,
        pytest.approx(row.held_until - 7, abs=2),
    )
    assert row.held_until == row.share_at
    assert row.share == pytest.approx(rate_limit.START / 2, abs=0.05)
