from typing import Any

from recommender.catalog.placement_changes import NOTHING, changes


def document(*rules: dict[str, Any], fallback: str | None = None, **defaults: Any):
    return {"operation": "popular", "defaults": defaults, "fallback": fallback, "rules": [*rules]}


PIN = {"id": "a", "name": "Spring", "action": "pin", "product": "mug", "place": 1}
CAP = {"id": "b", "action": "cap", "by": "brand", "at_most": 2}
HIDE = {"id": "c", "action": "hide", "products": ["mug"], "filter": {"price": {"lte": 5.0}}}


def test_what_is_the_same_has_no_changes():
    assert changes(document(PIN, count=3), document(PIN, count=3)) == []


def test_defaults_and_fallback_are_told_with_what_they_were():
    before, after = document(count=3, diversity=0.2), document(count=4, fields=["title", "price"])
    assert changes(before, {**after, "fallback": "new"}) == [
        "count: 3 → 4",
        "diversity: 0.2 → none",
        "fields: none → title, price",
        "fallback: none → new",
    ]


def test_rules_are_told_by_what_they_do():
    assert changes(NOTHING, document(PIN, CAP, HIDE)) == [
        "list: none → popular",
        "rule “Spring” added: pin mug at place 1",
        "rule “b” added: at most 2 of one brand",
        "rule “c” added: hide mug, price lte 5",
    ]
    assert changes(document(PIN, CAP), document({**PIN, "place": 2})) == [
        "rule “Spring”: place: 1 → 2",
        "rule “b” removed",
    ]
    assert changes(document(PIN, CAP), document(CAP, PIN)) == ["rules in another order"]
