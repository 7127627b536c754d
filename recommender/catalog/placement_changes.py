"""What differs between two documents of a placement, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]

NOTHING: Document = {"operation": "", "defaults": {}, "fallback": None, "rules": []}


def changes(before: Document, after: Document) -> list[str]:
    """A sentence for each difference."""
    return [
        *members({"list": before["operation"]}, {"list": after["operation"]}),
        *members(before["defaults"], after["defaults"]),
        *members({"fallback": before["fallback"]}, {"fallback": after["fallback"]}),
        *_rules(before["rules"], after["rules"]),
    ]


def members(before: Document, after: Document) -> Iterator[str]:
    """A sentence for each member that is another."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield f"{_word(name)}: {_shown(old)} → {_shown(new)}"


def _rules(before: list[Document], after: list[Document]) -> Iterator[str]:
    old = {rule["id"]: rule for rule in before}
    new = {rule["id"]: rule for rule in after}
    for key in dict.fromkeys((*old, *new)):
        if key not in new:
            yield f"rule {_name(old[key])} removed"
        elif key not in old:
            yield f"rule {_name(new[key])} added: {describe(new[key])}"
        elif old[key] != new[key]:
            yield f"rule {_name(new[key])}: {', '.join(members(old[key], new[key]))}"
    kept_before = [key for key in old if key in new]
    if kept_before != [key for key in new if key in old]:
        yield "rules in another order"


def _name(rule: Document) -> str:
    return f"“{rule.get('name') or rule['id']}”"


def describe(rule: Document) -> str:
    """What a rule does."""
    action = rule["action"]
    if action == "pin":
        return f"pin {rule['product']} at place {rule['place']}"
    if action == "cap":
        return f"at most {rule['at_most']} of one {_word(rule['by'])}"
    about = [*rule.get("products", ()), *([_shown(rule["filter"])] if rule.get("filter") else [])]
    times = f" × {rule['times']:g}" if "times" in rule else ""
    return f"{_word(action)} {', '.join(about)}{times}"


def _word(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{_word(name)} {_shown(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
