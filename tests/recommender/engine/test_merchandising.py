from datetime import UTC, datetime, timedelta

import pytest

from recommender.engine import merchandising
from recommender.engine.merchandising import NOBODY, Action, MerchandiserRule, Users, Visitor

NOW = datetime(2025, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(action: str, name: str = "r", **more) -> MerchandiserRule:
    return MerchandiserRule(id=name, name=name, action=Action(action), **more)


def kinds(*rules: MerchandiserRule, targets=None, available=("a", "b")) -> list[str]:
    return [c.kind for c in merchandising.conflicts(rules, targets or {}, available, NOW)]


def test_a_rule_acts_from_its_beginning_until_before_its_end():
    dated = rule("hide", starts=NOW, ends=NOW + DAY)
    assert merchandising.is_on(dated, NOW)
    assert not merchandising.is_on(dated, NOW - DAY)
    assert not merchandising.is_on(dated, NOW + DAY)
    assert merchandising.is_on(rule("hide"), NOW)


@pytest.mark.parametrize(
    ("users", "visitor", "fits"),
    [
        (Users.NEW, NOBODY, True),
        (Users.NEW, Visitor(has_history=True), False),
        (Users.RETURNING, Visitor(has_history=True), True),
        (Users.KNOWN, Visitor(is_known=True), True),
        (Users.GUESTS, Visitor(is_known=True), False),
        (None, NOBODY, True),
    ],
)
def test_an_audience_is_what_is_known_of_a_user(users, visitor, fits):
    assert merchandising.is_for(rule("hide", users=users), visitor) is fits


def test_all_attributes_of_an_audience_must_be_there_and_of_a_list_any():
    gold = rule("hide", attributes={"tier": ["gold", "silver"], "staff": False})
    assert merchandising.is_for(gold, Visitor(attributes={"tier": "gold", "staff": False}))
    assert merchandising.is_for(gold, Visitor(attributes={"tier": ["x", "silver"], "staff": False}))
    assert not merchandising.is_for(gold, Visitor(attributes={"tier": "gold"}))
    assert not merchandising.is_for(gold, NOBODY)


def test_a_search_must_have_all_words_of_a_rule():
    coffee = rule("hide", words=("Dark roast", "coffee"))
    assert merchandising.asks_for(coffee, "coffee, dark ROAST!")
    assert not merchandising.asks_for(coffee, "dark coffee")
    assert merchandising.asks_for(rule("hide"), "")


def test_two_pins_of_one_place_or_product_are_told():
    one, other = rule("pin", "1", product="a", place=1), rule("pin", "2", product="b", place=1)
    assert kinds(one, other) == ["same_place"]
    assert kinds(one, rule("pin", "2", product="a", place=2)) == ["pinned_twice"]
    assert kinds(one, rule("pin", "2", product="b", place=2)) == []


def test_a_pin_that_another_rule_hides_or_leaves_out_is_told():
    pin, hide, only = (
        rule("pin", "1", product="a", place=1), rule("hide", "2"), rule("only_from", "3"),
    )  # fmt: skip
    assert kinds(pin, hide, targets={"2": {"a"}}) == ["pin_hidden"]
    assert kinds(pin, hide, targets={"2": {"b"}}) == []
    assert kinds(only, pin, targets={"3": {"b"}}) == ["pin_left_out"]
    assert kinds(only, pin, targets={"3": {"a"}}) == []


def test_rules_that_never_act_together_contradict_nothing():
    one = rule("pin", "1", product="a", place=1, ends=NOW + DAY)
    later = rule("pin", "2", product="b", place=1, starts=NOW + DAY)
    assert kinds(one, later) == []
    new = rule("pin", "1", product="a", place=1, users=Users.NEW)
    returning = rule("pin", "2", product="b", place=1, users=Users.RETURNING)
    assert kinds(new, returning) == []
    gold = rule("pin", "1", product="a", place=1, attributes={"tier": "gold"})
    silver = rule("pin", "2", product="b", place=1, attributes={"tier": "silver"})
    assert kinds(gold, silver) == []


def test_what_is_over_or_not_there_is_told():
    assert kinds(rule("hide", ends=NOW)) == ["over"]
    assert kinds(rule("pin", product="gone", place=1)) == ["pin_unavailable"]
