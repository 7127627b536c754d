"""The soak's phases, as short as can be, at the running service."""

import pytest

from benchmarks.soak import mix
from benchmarks.soak.mix import Mix
from benchmarks.soak.phases import measure
from recommender.stack.config import StackConfig
from tests.e2e.service import Service

pytestmark = pytest.mark.slow


def test_mixed_traffic_is_answered_near_the_limit_over_it_and_beside_bad_clients(
    service: Service,
) -> None:
    with service.open_catalog("soak") as client:
        products = mix.fill(client, products=200, users=20)
        service.wait_until_embedded("soak")
        key = client.headers["Authorization"].removeprefix("Bearer ")
    asked = Mix(service.url, key, products, users=20)

    measured = measure(
        asked,
        StackConfig(service.data_dir, None, None),
        seconds=2.4,
        short=0.5,
        say=lambda _: None,
    )

    assert measured.limit > 0
    within = [*measured.periods, *measured.beside]
    assert sum(row.failed + row.refused for row in within) == 0
    assert all(row.good > 0 and row.p50 <= row.p99 for row in within)
    assert measured.overload.failed == 0
    assert measured.periods[-1].memory.keys() >= {"web", "worker", "postgres", "valkey"}
