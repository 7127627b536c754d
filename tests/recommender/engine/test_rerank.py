from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.engine import formula, rerank
from recommender.engine.rerank import Exploration, Moved
from recommender.engine.rules import Acted, Decay, Pin, RuleColumns, Rules


def columns(number: int, **more) -> RuleColumns:
    nothing = RuleColumns(
        keys=np.arange(number),
        boosted=[],
        distances=[],
        numbers={},
        promoted=np.zeros(number, dtype=bool),
        groups=[],
        likeness=None,
        freshness=np.ones(number),
    )
    return replace(nothing, **more)


def listed(scores: list[float], rules: Rules, count: int = 10, listed: int = 0, **more):
    given = columns(len(scores), **more)
    return rerank.rerank(np.array(scores), count, rules, given, listed=listed)


def rows(*arguments, **more) -> list[int]:
    return listed(*arguments, **more).rows.tolist()


def test_without_a_rule_the_best_come_first():
    assert rerank.best(np.array([0.1, 0.3, -np.inf, 0.3]), 3).rows.tolist() == [1, 3, 0]
    assert rows([0.1, 0.3, 0.2], Rules()) == [1, 2, 0]


def test_a_boost_multiplies_relevance_and_says_what_it_adds():
    boosted = [np.array([True, False, False])]
    made = listed([0.5, 0.8, 1.0], Rules(boosts=(1.8,)), boosted=boosted)
    assert made.rows.tolist() == [2, 0, 1]
    assert made.of(0) == Moved(changes={"boost": pytest.approx(0.4)})
    assert made.of(1) == Moved()


def test_a_boost_lifts_what_scores_below_zero_too():
    boosted = [np.array([False, True, False])]
    assert rows([-1.0, -2.0, -9.0], Rules(boosts=(3.0,)), boosted=boosted) == [1, 0, 2]


@pytest.mark.parametrize(
    ("shape", "left"),
    [("exp", [1, 0.5, 0.25]), ("gauss", [1, 0.5, 0.0625]), ("linear", [1, 0.5, 0])],
)
def test_a_decay_halves_relevance_at_its_half_life(shape, left):
    rules = Rules(decays=(Decay(half_life=10, shape=shape),))
    made = listed([1.0, 1.0, 1.0], rules, distances=[np.array([0.0, -10.0, 20.0])])
    assert (1 + made.changes["boost"]).tolist() == pytest.approx(left)


def test_a_decay_spares_what_is_near_what_is_unknown_and_what_its_weight_leaves():
    far = [np.array([4.0, np.nan, 14.0])]
    made = listed([1.0] * 3, Rules(decays=(Decay(half_life=10, offset=4),)), distances=far)
    assert (1 + made.changes["boost"]).tolist() == pytest.approx([1, 1, 0.5])
    made = listed([1.0] * 3, Rules(decays=(Decay(half_life=10, weight=0.5),)), distances=far)
    assert 1 + made.changes["boost"][2] == pytest.approx(1 - 0.5 * (1 - 0.5**1.4))


def test_a_formula_makes_the_relevance_and_where_it_has_no_value_all_stays():
    cheap = formula.check("relevance * log(price)", {"price"})
    made = listed([1.0, 1.0], Rules(formulas=(cheap,)), numbers={"price": np.array([np.e, -1.0])})
    assert made.changes == {}
    assert made.degraded == {"formula": "no_value"}


def test_what_is_not_relevant_enough_is_left_out_and_counted():
    made = listed([1.0, 0.5, 0.2], Rules(min_relevance=0.5))
    assert (made.rows.tolist(), made.irrelevant) == ([0, 1], 1)


def test_of_one_value_no_more_than_the_cap_are_listed():
    groups = [np.array([7, 7, 7, 8, -1, -1])]
    scores = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert rows(scores, Rules(caps=(2,)), groups=groups) == [0, 1, 3, 4, 5]
    assert rows(scores, Rules(caps=(1,)), groups=groups) == [0, 3, 4, 5]


def test_a_share_of_the_places_is_for_what_is_promoted():
    promoted = np.array([False] * 8 + [True] * 3)
    scores = [float(n) for n in range(11, 0, -1)]
    made = listed(scores, Rules(promotion=0.25), 8, promoted=promoted)
    assert made.rows.tolist() == [0, 1, 2, 8, 3, 4, 5, 9]
    assert made.placed == {8: "promoted", 9: "promoted"}
    # What is there for its relevance counts.
    assert rows(scores, Rules(promotion=0.25), 4, promoted=np.array([True] * 2 + [False] * 9)) == [
        0, 1, 2, 3,
    ]  # fmt: skip


def test_diversity_prefers_what_is_unlike_the_others():
    kinds = np.array([0, 0, 0, 1])
    alike = lambda row: (kinds == kinds[row]).astype(float)  # noqa: E731
    scores = [1.0, 0.9, 0.8, 0.5]
    assert rows(scores, Rules(diversity=0.0), likeness=alike) == [0, 1, 2, 3]
    assert rows(scores, Rules(diversity=0.5), likeness=alike)[:2] == [0, 3]
    made = listed(scores, Rules(diversity=0.5))
    assert (made.rows.tolist(), made.degraded) == ([0, 1, 2, 3], {"diversity": "no_space"})


def test_what_was_shown_counts_less():
    made = listed([1.0, 0.9], Rules(), freshness=np.array([0.5, 1.0]))
    assert made.rows.tolist() == [1, 0]
    assert made.of(0).changes == {"rotation": pytest.approx(-0.5)}


def explored(rows: list[int], shown: list[float], chosen: list[float]) -> Exploration:
    return Exploration(
        rows=np.array(rows),
        shown=np.array(shown),
        chosen=np.array(chosen),
        rng=np.random.default_rng(1),
    )


def test_a_share_of_the_places_explores_what_draws_promise_and_says_how_likely():
    scores, rules = np.linspace(1, 0.1, 10), Rules(exploration=0.25)
    new = explored([7, 8, 9], [90.0, 0.0, 90.0], [1.0, 0.0, 1.0])
    made = rerank.rerank(scores, 8, rules, columns(10), exploration=new)
    assert len(made.placed) == 2
    assert set(made.placed.values()) == {"explored"}
    assert [made.rows.tolist().index(row) for row in made.placed] == [3, 7]
    # Nobody has seen it, so that it may be good; of the others it is known that they are not.
    assert made.propensities[8] > 0.9
    assert sum(made.propensities.values()) == pytest.approx(2)
    assert made.of(8) == Moved(placed="explored", propensity=made.propensities[8])


def test_a_list_that_is_filled_up_explores_for_its_further_places_alone():
    rules, new = Rules(exploration=0.25), explored([5, 6, 7], [0.0] * 3, [0.0] * 3)
    scores = np.linspace(1, 0.1, 8)
    made = rerank.rerank(scores, 8, rules, columns(8), listed=4, exploration=new)
    assert made.rows.tolist()[:4] == [0, 1, 2, 3]
    assert len(made.placed) == 1


def test_nothing_is_explored_where_nothing_is_new():
    rules = Rules(exploration=0.5)
    nothing = explored([], [], [])
    assert rerank.rerank(np.ones(3), 3, rules, columns(3), exploration=nothing).placed == {}


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=30),
    st.floats(0, 1),
    st.integers(1, 3),
    st.floats(0, 1),
    st.integers(1, 12),
    st.integers(0, 5),
)
def test_any_rules_make_a_list_without_repeats_that_keeps_its_caps(
    scores, share, most, diversity, count, kept
):
    number = len(scores)
    groups = np.arange(number) % 4
    rules = Rules(promotion=share, caps=(most,), diversity=diversity, boosts=(2.0,))
    kept = min(kept, number, count)
    made = rerank.rerank(
        np.array(scores),
        count,
        rules,
        columns(
            number,
            boosted=[groups == 1],
            promoted=groups == 2,
            groups=[groups],
            likeness=lambda row: (groups == groups[row]).astype(float),
        ),
        listed=kept,
    )
    chosen = made.rows.tolist()
    assert len(set(chosen)) == len(chosen) <= count
    assert chosen[:kept] == list(range(kept))
    added = np.bincount(groups[chosen[kept:]], minlength=4)
    assert (added <= most).all()


def pinned_rules(*places: int, **more) -> Rules:
    """Rules that pin products 0, 1, … to these places."""
    pins = [Pin(f"p{n}", place, Acted(f"r{n}", "", "pin")) for n, place in enumerate(places)]
    return Rules(pins=tuple(pins), **more)


def test_what_is_pinned_has_its_place_and_the_others_their_order():
    made = listed([0.1, 0.9, 0.8, 0.7], pinned_rules(2), count=3, pinned=[0])
    assert made.rows.tolist() == [1, 0, 2]
    assert made.of(0) == Moved(placed="pinned", acted=(Acted("r0", "", "pin"),))
    assert made.of(1) == Moved()


def test_of_two_pins_for_one_place_the_first_has_it():
    assert rows([0.1, 0.2, 0.9], pinned_rules(1, 1), pinned=[0, 1]) == [0, 1, 2]


def test_a_pin_beyond_the_list_leaves_its_product_to_relevance():
    assert rows([0.9, 0.8, 0.7], pinned_rules(5), count=2, pinned=[0]) == [0, 1]


def test_a_list_too_short_for_a_pin_ends_with_it():
    assert rows([0.1, 0.9], pinned_rules(5), pinned=[0]) == [1, 0]


def test_what_is_pinned_counts_for_caps_before_what_is_chosen():
    groups = [np.array([0, 0, 1, 1])]
    rules = pinned_rules(2, caps=(1,))
    assert rows([0.1, 0.9, 0.8, 0.7], rules, pinned=[0], groups=groups) == [2, 0]


def test_what_is_pinned_needs_no_relevance():
    rules = pinned_rules(1, min_relevance=0.5)
    assert rows([0.1, 0.9, 0.2], rules, pinned=[0]) == [0, 1]


def test_what_is_listed_already_stays_around_what_is_pinned():
    assert rows([0.9, 0.2, 0.8, 0.5], pinned_rules(3), listed=2, pinned=[1]) == [0, 2, 1, 3]


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    places=st.lists(st.integers(1, 14), max_size=4),
    count=st.integers(1, 12),
)
def test_pins_neither_repeat_nor_lose_a_product(scores, places, count):
    places = places[: len(scores)]
    pinned = list(range(len(places)))
    made = rows(scores, pinned_rules(*places), count=count, pinned=pinned)
    assert len(made) == len(set(made)) == min(count, len(scores))
    taken = {place: row for row, place in reversed(list(enumerate(places)))}
    if len(taken) == len(places) and len(scores) >= count:
        assert all(made[place - 1] == row for place, row in taken.items() if place <= count)
