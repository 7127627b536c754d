from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.effect.assignment import Plan, PlanError, Share, assign, check_apart, place

UNITS = [f"user {number}" for number in range(20_000)]
HALVES = (Share("A", 0.5), Share("B", 0.5))


def plan(start: float = 0, end: float = 1, salt: str = "one", layer: str = "main") -> Plan:
    return Plan(layer, salt, start, end, HALVES)


@given(st.text(), st.text())
def test_a_unit_has_one_place_below_1_and_the_same_each_time(salt: str, unit: str) -> None:
    assert 0 <= place(salt, unit) < 1
    assert place(salt, unit) == place(salt, unit)


def test_variants_get_their_shares_of_the_part_of_the_layer() -> None:
    shares = (Share("A", 0.5), Share("B", 0.3), Share("none", 0.2))
    counts = Counter(assign(Plan("main", "salt", 0.1, 0.6, shares), unit) for unit in UNITS)
    assert counts[None] == pytest.approx(10_000, rel=0.05)
    found = {name: counts[name] for name in ("A", "B", "none")}
    assert found == pytest.approx({"A": 5000, "B": 3000, "none": 2000}, rel=0.06)


def test_a_ramp_takes_nobody_out_and_moves_nobody() -> None:
    few = {unit: assign(plan(0, 0.2), unit) for unit in UNITS}
    more = {unit: assign(plan(0, 0.7), unit) for unit in UNITS}
    assert all(more[unit] == variant for unit, variant in few.items() if variant is not None)
    assert sum(variant is not None for variant in more.values()) > 3 * sum(
        variant is not None for variant in few.values()
    )


def test_nobody_is_in_two_experiments_of_a_layer() -> None:
    one, other = plan(0, 0.4), plan(0.4, 1, salt="two")
    check_apart([one, other])
    assert all((assign(one, unit) is None) != (assign(other, unit) is None) for unit in UNITS)


def test_experiments_of_two_layers_do_not_depend_on_each_other() -> None:
    one, other = plan(), plan(layer="other", salt="two")
    pairs = Counter((assign(one, unit), assign(other, unit)) for unit in UNITS)
    assert len(pairs) == 4
    assert all(count == pytest.approx(5000, rel=0.06) for count in pairs.values())


@pytest.mark.parametrize(
    ("start", "end", "variants"),
    [
        (0.0, 1.0, (Share("A", 1.0),)),
        (0.0, 1.0, (Share("A", 0.5), Share("A", 0.5))),
        (0.0, 1.0, (Share("A", 0.5), Share("B", 0.6))),
        (0.0, 1.0, (Share("A", 1.0), Share("B", 0.0))),
        (0.5, 0.5, HALVES),
        (-0.1, 0.5, HALVES),
        (0.5, 1.1, HALVES),
    ],
)
def test_a_plan_that_is_none_is_refused(
    start: float, end: float, variants: tuple[Share, ...]
) -> None:
    with pytest.raises(PlanError):
        Plan("main", "salt", start, end, variants)


def test_parts_of_a_layer_that_overlap_are_refused() -> None:
    with pytest.raises(PlanError, match="overlap"):
        check_apart([plan(0, 0.5), plan(0.4, 1, salt="two")])
