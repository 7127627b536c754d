"""Whether two entries are one product: GTIN, price, quantities, attributes, then words decide."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.analysis.items import Item
from recommender.analysis.wording import Quantity, Wording, is_misspelt, wording

# Dearer by more, it is another product or pack.
_PRICE_RATIO = 1.5
# Descriptions that share fewer of their words tell of two things.
_LEAST_SHARED = 0.3
# What an entry is called and counted by is its own, duplicate or not.
_OWN = re.compile(r"(^|_)(id|sku|mpn|code|url|link|rating|review|sold|stock|rank|gtin\d*|ean\d*)")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided of a pair, by a code and in words.

    Attributes:
        evidence: the facts it rests on, by name.
    """

    is_duplicate: bool
    code: str
    reason: str
    evidence: Mapping[str, object] = field(default_factory=dict)


def keys(item: Item) -> list[str]:
    """What a title's other spellings share with it: all its words, and all but one of them.

    A misspelt word is among those left out (symmetric deletion). The brand is left out anyway.
    """
    said, brand = wording(item.title), wording(item.brand)
    words = sorted(said.words - brand.words or said.words)
    if not words:
        return []
    quantities = (f"{kind}{value:g}" for kind, value in said.quantities)
    rest = [*sorted(said.numbers - brand.numbers), *sorted(quantities)]
    fewer = range(len(words)) if len(words) > 2 else ()
    return [" ".join([*words, *rest])] + [
        " ".join(["*", *words[:n], *words[n + 1 :], *rest]) for n in fewer if len(words[n]) > 4
    ]


def judge(one: Item, other: Item) -> Judgement:
    """Decide whether two entries are of one product."""
    if one.gtin and other.gtin:
        if one.gtin != other.gtin:
            return _no("gtin", "Their GTINs differ.")
        return Judgement(True, "same_gtin", f"Both have the GTIN {one.gtin}.", {"gtin": one.gtin})
    return (
        _by_price(one, other)
        or _by_quantities(one, other)
        or _by_attributes(one, other)
        or _by_words(one, other)
    )


def _no(code: str, reason: str) -> Judgement:
    return Judgement(False, code, reason)


def _by_price(one: Item, other: Item) -> Judgement | None:
    if not (one.has_price and other.has_price) or one.currency != other.currency:
        return None
    low, high = sorted((one.price, other.price))
    if high > low * _PRICE_RATIO:
        return _no("price", f"One costs {low:g}, the other {high:g}.")
    return None


def _by_quantities(one: Item, other: Item) -> Judgement | None:
    here, there = wording(one.title), wording(other.title)
    for kind, values in _of_kinds(here.quantities).items():
        others = _of_kinds(there.quantities).get(kind)
        if others and others != values:
            return _no("quantity", f"The titles differ in {kind}.")
    missing = here.numbers ^ there.numbers
    if missing and not _is_told(missing, here.numbers, one, other):
        return _no("number", f"Only one title has {', '.join(sorted(missing))}.")
    lone = {q for q in here.quantities ^ there.quantities if not _has_quantity(q, one, other)}
    if lone:
        return _no("quantity", "Only one says how much it is.")
    return None


def _of_kinds(quantities: frozenset[Quantity]) -> dict[str, set[float]]:
    by_kind: dict[str, set[float]] = {}
    for kind, value in quantities:
        by_kind.setdefault(kind, set()).add(value)
    return by_kind


def _is_told(missing: frozenset[str], here: frozenset[str], one: Item, other: Item) -> bool:
    """Whether the entry whose title lacks a number has it elsewhere; never on both sides."""
    if missing & here and missing - here:
        return False
    return missing <= _rest(other if missing & here else one).numbers


def _has_quantity(quantity: Quantity, one: Item, other: Item) -> bool:
    lacking = other if quantity in wording(one.title).quantities else one
    kind, value = quantity
    return quantity in _rest(lacking).quantities or any(
        isinstance(number, int | float) and not isinstance(number, bool) and number == value
        for name, number in lacking.attributes.items()
        if kind != "count" or name in ("pieces", "count", "pack_size")
    )


def _by_attributes(one: Item, other: Item) -> Judgement | None:
    for name in one.attributes.keys() & other.attributes.keys():
        here, there = one.attributes[name], other.attributes[name]
        if not _OWN.search(name.casefold()) and _normal(here) != _normal(there):
            return _no("variant", f"They differ in {name}: {here} and {there}.")
    return None


def _normal(value: object) -> object:
    if isinstance(value, str):
        return wording(value)
    return sorted(map(str, value)) if isinstance(value, list) else value


def _by_words(one: Item, other: Item) -> Judgement:
    here, there = _title_words(one, other), _title_words(other, one)
    shared = here & there
    only_here, only_there, misspelt = _unpaired(here - there, there - here)
    if not here or not there or 2 * len(shared) < max(len(here), len(there)):
        return _no("words", "Their titles share too few words.")
    if only_here and only_there:
        words = f"{' '.join(sorted(only_here))} / {' '.join(sorted(only_there))}"
        return _no("variant", f"Each title has a word of its own: {words}.")
    silent = one if only_there else other
    if (only_here | only_there) - _rest(silent).words:
        return _no("variant", f"Only one title has {' '.join(sorted(only_here | only_there))}.")
    if not _tell_the_same(one, other):
        return _no("description", "Their descriptions tell of two things.")
    return _yes(one, other, only_here | only_there, misspelt)


def _yes(one: Item, other: Item, elsewhere: frozenset[str], misspelt: list[str]) -> Judgement:
    evidence = {
        "prices": [item.price for item in (one, other) if item.has_price],
        "same_description": bool(one.description) and one.description == other.description,
    }
    if misspelt:
        reason = f"The titles differ by spelling: {', '.join(misspelt)}."
        return Judgement(True, "spelling", reason, evidence)
    if elsewhere:
        reason = (
            f"What one title says more, the other product says too: {', '.join(sorted(elsewhere))}."
        )
        return Judgement(True, "same_words", reason, evidence)
    if one.title == other.title and one.description == other.description:
        return Judgement(True, "same_text", "Title and description are the same.", evidence)
    return Judgement(True, "same_title", "The titles have the same words and quantities.", evidence)


def _title_words(item: Item, other: Item) -> frozenset[str]:
    """Without the brand, unless nothing else is left: one may say it in the title, one beside."""
    words = wording(item.title).words
    brands = wording(item.brand).words | wording(other.brand).words
    if item.brand and other.brand and wording(item.brand) != wording(other.brand):
        return words | wording(item.brand).words
    return words - brands or words


def _unpaired(
    here: frozenset[str], there: frozenset[str]
) -> tuple[frozenset[str], frozenset[str], list[str]]:
    """The words that are only in one title, less those that are the other's, misspelt."""
    left, misspelt = set(there), []
    for word in sorted(here):
        match = next((other for other in sorted(left) if is_misspelt(word, other)), None)
        if match is not None:
            left.discard(match)
            misspelt.append(f"{word} / {match}")
    paired = {pair.split(" / ")[0] for pair in misspelt}
    return here - paired, frozenset(left), misspelt


def _rest(item: Item) -> Wording:
    """All that an entry says."""
    values = (value for value in item.attributes.values() if isinstance(value, str))
    parts = (item.title, item.own_text, item.brand, item.category.replace("/", " "), *values)
    return wording(". ".join(parts))


def _tell_the_same(one: Item, other: Item) -> bool:
    here, there = wording(one.own_text).words, wording(other.own_text).words
    if not here or not there:
        return True
    return len(here & there) >= _LEAST_SHARED * min(len(here), len(there))
