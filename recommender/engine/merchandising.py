"""A merchandiser's rules: which act on a request, and which contradict one another.

Values in, values out: `merchandised` compiles those that act for the rerank stage.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations
from typing import Any


class Action(StrEnum):
    """What a rule does."""

    PIN = "pin"
    BOOST = "boost"
    BURY = "bury"
    HIDE = "hide"
    ONLY_FROM = "only_from"
    CAP = "cap"


class Users(StrEnum):
    """Whom a rule is for, by what is known of them."""

    NEW = "new"  # of whom there is no event
    RETURNING = "returning"
    KNOWN = "known"  # the shop's server knows who they are
    GUESTS = "guests"


_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchandiserRule:
    """One rule of a placement, checked; members that its action does not take are empty."""

    id: str
    name: str
    action: Action
    priority: int = 0  # of rules that contradict one another the higher one counts
    product: str = ""  # that is pinned
    place: int = 0  # where, from 1
    products: tuple[str, ...] = ()  # that the rule is about
    filter: Mapping[str, Any] | None = None  # the same, by what they have
    times: float = 1.0  # what relevance is multiplied by
    by: str = ""  # the field whose equal values are counted
    at_most: int = 0
    words: tuple[str, ...] = ()  # of a search, all of which it must have
    starts: datetime | None = None
    ends: datetime | None = None
    users: Users | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)  # of a user; a list: any of it

    @property
    def needs_user(self) -> bool:
        """Whether it asks who the user is."""
        return self.users is not None or bool(self.attributes)

    def target(self) -> dict[str, Any] | None:
        """The filter that the products of the rule pass; None of a pin and a cap."""
        parts = [{"id": {"in": list(self.products)}}] if self.products else []
        parts += [dict(self.filter)] if self.filter else []
        if len(parts) == 2:
            return {"any": parts}
        return parts[0] if parts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """What is known of the user of a request; the defaults are of nobody."""

    is_known: bool = False
    has_history: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


NOBODY = Visitor()


def rule_of(document: Mapping[str, Any]) -> MerchandiserRule:
    """A rule as it is stored, which was checked before that."""
    audience = document.get("audience") or {}
    users = audience.get("users")
    return MerchandiserRule(
        id=document["id"],
        name=document.get("name") or document["id"],
        action=Action(document["action"]),
        priority=document.get("priority", 0),
        product=document.get("product") or "",
        place=document.get("place") or 0,
        products=tuple(document.get("products", ())),
        filter=document.get("filter"),
        times=document.get("times", 1.0),
        by=document.get("by") or "",
        at_most=document.get("at_most") or 0,
        words=tuple(document.get("words", ())),
        starts=_time(document.get("from")),
        ends=_time(document.get("until")),
        users=Users(users) if users else None,
        attributes=audience.get("attributes", {}),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def is_on(rule: MerchandiserRule, now: datetime) -> bool:
    """Whether a rule acts at this time."""
    has_begun = rule.starts is None or rule.starts <= now
    return has_begun and (rule.ends is None or now < rule.ends)


def is_for(rule: MerchandiserRule, visitor: Visitor) -> bool:
    """Whether a rule is for somebody of whom this is known."""
    fits = {
        None: True,
        Users.NEW: not visitor.has_history,
        Users.RETURNING: visitor.has_history,
        Users.KNOWN: visitor.is_known,
        Users.GUESTS: not visitor.is_known,
    }[rule.users]
    return fits and all(
        _has(visitor.attributes.get(name), wanted) for name, wanted in rule.attributes.items()
    )


def _has(value: Any, wanted: Any) -> bool:
    """Whether a value, or one of several, is the wanted one or one of them."""
    values = value if isinstance(value, list) else [value]
    return any(one in values for one in (wanted if isinstance(wanted, list) else [wanted]))


def asks_for(rule: MerchandiserRule, text: str) -> bool:
    """Whether a search has all words of a rule; every text has those of a rule without any."""
    said = set(_WORD.findall(text.casefold()))
    return all(said.issuperset(_WORD.findall(word.casefold())) for word in rule.words)


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a merchandiser should know before publishing; `rules` are ids."""

    kind: str
    rules: tuple[str, ...]
    message: str


def conflicts(
    rules: Sequence[MerchandiserRule],
    targets: Mapping[str, Collection[str]],
    available: Collection[str],
    now: datetime,
) -> list[Conflict]:
    """What in rules contradicts itself, at times and of users that they have in common.

    Args:
        targets: by id of a rule with a filter or products, the pinned products that it is about.
        available: the pinned products that can be listed at all.
    """
    return [
        *_useless(rules, available, now),
        *(found for pair in combinations(rules, 2) for found in _between(*pair, targets)),
    ]


def _useless(
    rules: Sequence[MerchandiserRule], available: Collection[str], now: datetime
) -> Iterator[Conflict]:
    for rule in rules:
        if rule.ends is not None and rule.ends <= now:
            yield Conflict("over", (rule.id,), f"“{rule.name}” is over, and acts no more.")
        if rule.action is Action.PIN and rule.product not in available:
            message = f"“{rule.name}” pins {rule.product}, which is not there or out of stock."
            yield Conflict("pin_unavailable", (rule.id,), message)


def _between(
    one: MerchandiserRule, other: MerchandiserRule, targets: Mapping[str, Collection[str]]
) -> Iterator[Conflict]:
    if not _meet(one, other):
        return
    ids = (one.id, other.id)
    if one.action is other.action is Action.PIN:
        if one.product == other.product:
            message = f"“{one.name}” and “{other.name}” pin the same product, {one.product}."
            yield Conflict("pinned_twice", ids, message)
        elif one.place == other.place:
            message = (
                f"“{one.name}” and “{other.name}” pin products at place {one.place}: the one of "
                "the lower priority, or below it, comes after."
            )
            yield Conflict("same_place", ids, message)
    for pin, rule in ((one, other), (other, one)):
        if pin.action is not Action.PIN:
            continue
        is_target = pin.product in targets.get(rule.id, ())
        if rule.action is Action.HIDE and is_target:
            message = f"“{rule.name}” hides {pin.product}, which “{pin.name}” pins: it is hidden."
            yield Conflict("pin_hidden", ids, message)
        if rule.action is Action.ONLY_FROM and not is_target:
            message = f"“{rule.name}” leaves out {pin.product}, which “{pin.name}” pins."
            yield Conflict("pin_left_out", ids, message)


def _meet(one: MerchandiserRule, other: MerchandiserRule) -> bool:
    """Whether there may be a request on which both act."""
    in_turn = [(one, other), (other, one)]
    if any(a.ends is not None and b.starts is not None and a.ends <= b.starts for a, b in in_turn):
        return False
    apart = ({Users.NEW, Users.RETURNING}, {Users.KNOWN, Users.GUESTS})
    if {one.users, other.users} in apart:
        return False
    shared = one.attributes.keys() & other.attributes.keys()
    # A user has one value of what is no list: two rules for others never meet.
    return all(
        _has(one.attributes[name], other.attributes[name])
        or isinstance(one.attributes[name], list)
        or isinstance(other.attributes[name], list)
        for name in shared
    )
