import pytest

from benchmarks.off_policy import Case, simulate

pytestmark = pytest.mark.slow


def test_intervals_hold_what_a_rank_like_the_logged_one_really_earns() -> None:
    found = simulate(Case("near", 1.5), runs=10, users=300)

    assert found.told == 1
    assert 0.5 < found.support < 0.8
    # 0.9 are expected, and of ten runs 0.6 may be chance.
    assert found.doubly_robust.covered >= 0.6
    assert abs(found.doubly_robust.bias) < 0.1 * found.truth


def test_a_rank_unlike_the_logged_one_is_told_nothing_of() -> None:
    found = simulate(Case("unlike", 0.8, adds=False), runs=2, users=100)
    assert found.support < 0.5
    assert found.told == 0
