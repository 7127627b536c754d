import pytest

from benchmarks.experiments import simulate

pytestmark = pytest.mark.slow


def test_looking_every_day_gives_few_false_alarms_and_finds_a_large_effect() -> None:
    assert simulate(60, 4_000, 0.0, adjust=True).rate <= 0.05
    found = simulate(20, 8_000, 0.2, adjust=True)
    assert found.rate >= 0.8
    assert found.days is not None
    assert simulate(40, 4_000, 0.0, adjust=False, revenue=True).rate <= 0.05
