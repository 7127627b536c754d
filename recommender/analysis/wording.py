"""What a title says: its words, and its numbers with their units."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

Quantity = tuple[str, float]

# What is measured, and how much of the base unit one of the unit is.
_SIZES: dict[str, dict[str, float]] = {
    "mass": {"mg": 0.001, "g": 1, "gr": 1, "gram": 1, "kg": 1e3, "oz": 28.35, "lb": 453.6},
    "volume": {"ml": 1, "cl": 10, "dl": 100, "l": 1e3, "litre": 1e3, "liter": 1e3, "ltr": 1e3},
    "length": {"mm": 1, "cm": 10, "m": 1e3, "metre": 1e3, "meter": 1e3, "in": 25.4, "inch": 25.4},
    "power": {"w": 1, "kw": 1e3},
    "charge": {"mah": 1, "ah": 1e3},
    "voltage": {"v": 1},
    "memory": {"mb": 1, "gb": 1e3, "tb": 1e6},
    "light": {"lm": 1},
    "share": {"%": 1},
    "count": {"pack": 1, "pk": 1, "pc": 1, "piece": 1, "stuck": 1, "stk": 1},
}
_UNITS = {unit: (kind, size) for kind, sizes in _SIZES.items() for unit, size in sizes.items()}
_NUMBER = r"\d+(?:[.,]\d+)?"
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_QUANTITY = re.compile(rf"(?<![\w.,])({_NUMBER})[\s-]?({_UNIT})(?:s|es)?(?!\w)")
_COUNT = re.compile(
    r"\b(?:set|s|pack|box|bag|tin|lot|case)(?: of |/| )(\d+)\b|\b(\d+)\s?[x×](?!\w)"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_POSSESSIVE = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}]s\\b")
_WORD = re.compile(rf"{_NUMBER}\w*|\w+")

# They join words, or praise the offer: none of them tells a product from another.
_IDLE = {
    *("an", "the", "of", "for", "with", "in", "on", "and", "to", "by", "from"),
    *("der", "die", "das", "für", "mit", "und", "aus", "von", "zu", "im"),
    *("le", "la", "les", "de", "du", "des", "et", "en", "pour", "avec", "con", "para", "el"),
    *("new", "sale", "offer", "bestseller", "neu", "original", "nouveau", "nuevo"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """A text's words, folded; its quantities in base units; its other words with digits."""

    words: frozenset[str]
    quantities: frozenset[Quantity]
    numbers: frozenset[str]


@lru_cache(maxsize=1 << 17)
def wording(text: str) -> Wording:
    """A text read: case, accents, word order, plurals and the way units are written fold away."""
    left = _THOUSANDS.sub("", _folded(text))
    quantities: set[Quantity] = set()
    for number, unit in _QUANTITY.findall(left):
        kind, size = _UNITS[unit]
        quantities.add((kind, round(_value(number) * size, 3)))
    left = _QUANTITY.sub(" ", left)
    quantities.update(("count", float(a or b)) for a, b in _COUNT.findall(left))
    tokens = _WORD.findall(_COUNT.sub(" ", left))
    numbers = frozenset(token.replace(",", ".") for token in tokens if _has_digit(token))
    words = frozenset(
        stem(token) for token in tokens if not _has_digit(token) and token not in _IDLE
    )
    return Wording(words, frozenset(quantities), numbers)


def stem(word: str) -> str:
    """A word without its plural's s."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def is_misspelt(one: str, other: str) -> bool:
    """Whether a letter too many, too few, changed or swapped makes one word of the other."""
    short, long = sorted((one, other), key=len)
    if len(short) < 5 or len(long) - len(short) > 1 or one == other:
        return False
    start = next((n for n, letter in enumerate(short) if letter != long[n]), len(short))
    left, right = short[start:], long[start:]
    if len(short) < len(long):
        return left == right[1:]
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])


def _folded(text: str) -> str:
    """Lower-case without accents; what is not Latin stays as it is."""
    decomposed = unicodedata.normalize("NFKD", _POSSESSIVE.sub("", text.casefold()))
    return unicodedata.normalize(
        "NFC", "".join(letter for letter in decomposed if not "\u0300" <= letter <= "\u036f")
    )


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _has_digit(token: str) -> bool:
    return any(letter.isdigit() for letter in token)
