"""Known faults planted into a copy of a catalog, and how well a search finds them.

What it finds beside them counts against its precision, though some of that may be faults that
were there before: the figures are a lower bound.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from recommender.analysis.items import Item

CATEGORY_SHARE, DUPLICATE_SHARE, PRICE_SHARE, FOREIGN_TEXTS = 0.02, 0.01, 0.01, 20

_SLIPS = (0.01, 0.1, 10.0, 100.0)
_PIECES = re.compile(r"\d+(?:[.,]\d+)?[ -]?\w+|[^\s,;]+")
_KILO = re.compile(r"\b(\d+) ?(kg|l)\b", re.IGNORECASE)
_SMALL = {"kg": "g", "l": "ml"}
_WORD = re.compile(r"[^\W\d_]{6,}")

_FOREIGN: tuple[tuple[str, str], ...] = (
    ("Kaffeebohnen aus Äthiopien", "Jede Woche frisch geröstet, mit Noten von Kirsche und Kakao."),
    (
        "Wasserkocher aus Edelstahl",
        "Kocht einen Liter in drei Minuten und schaltet sich selbst ab.",
    ),
    (
        "Strickjacke für Herren",
        "Warme Wolle mit Knöpfen aus Horn, gefertigt in einem Familienbetrieb.",
    ),
    (
        "Gartenschere mit Holzgriff",
        "Schneidet Äste bis zwei Zentimeter sauber und ohne große Kraft.",
    ),
    (
        "Bouilloire électrique",
        "Fait bouillir un litre d'eau en trois minutes et s'arrête toute seule.",
    ),
    ("Écharpe en laine mérinos", "Douce et chaude, tissée en Écosse dans un atelier familial."),
    (
        "Casserole en cuivre",
        "Pour les sauces et les confitures, avec un manche qui ne chauffe pas.",
    ),
    (
        "Livre de cuisine du marché",
        "Cent recettes simples pour les soirs de semaine, avec des photographies.",
    ),
    (
        "Cafetera italiana",
        "Prepara seis tazas de café en pocos minutos, apta para todas las cocinas.",
    ),
    (
        "Zapatillas para correr",
        "Ligeras y cómodas, con una suela que amortigua bien en el asfalto.",
    ),
    ("Manta de lana", "Suave y caliente, hecha a mano por artesanos de la montaña."),
    ("Teiera in ghisa", "Con filtro in acciaio, mantiene il tè caldo per un'ora intera."),
    (
        "Zaino da montagna",
        "Leggero e resistente, con una tasca per la bottiglia e lo schienale areato.",
    ),
    ("Wollen sjaal voor de winter", "Zacht en warm, geweven in een kleine werkplaats aan de kust."),
    (
        "Houten puzzel voor kinderen",
        "Met grote stukken die goed in kleine handen passen, vanaf drie jaar.",
    ),
    ("Czajnik ze stali nierdzewnej", "Gotuje litr wody w trzy minuty i sam się wyłącza."),
    (
        "Torba na zakupy z bawełny",
        "Mocna i lekka, mieści zakupy na cały tydzień i daje się złożyć.",
    ),
    (
        "Cafeteira de alumínio",
        "Prepara seis chávenas de café em poucos minutos, em qualquer fogão.",
    ),
    ("Шерстяной шарф", "Мягкий и тёплый, соткан вручную в небольшой мастерской."),
    (
        "Kaffekanna i rostfritt stål",
        "Håller kaffet varmt i flera timmar och tål att diskas i maskin.",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Planted:
    """A catalog with faults.

    Attributes:
        items: those that were there in their places, then the copies.
        texts: the places whose vectors must be made anew, as what they say has changed.
        sources: of each place, which it was or is a copy of.
        wrong: by the code of an anomaly, the places that have it.
        copies: by their kind, pairs of an original and its copy.
    """

    items: tuple[Item, ...]
    texts: frozenset[int]
    sources: tuple[int, ...]
    wrong: Mapping[str, frozenset[int]]
    copies: Mapping[str, frozenset[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Measured:
    """How well faults were found."""

    planted: int
    found: int
    right: int

    @property
    def precision(self) -> float | None:
        """The share of what was found that had been planted; None where nothing was."""
        return self.right / self.found if self.found else None

    @property
    def recall(self) -> float | None:
        """The share of what was planted that was found; None where nothing was."""
        return self.right / self.planted if self.planted else None


def measured(planted: Iterable[object], found: Iterable[object]) -> Measured:
    """Faults found against faults planted."""
    wrong, told = set(planted), set(found)
    return Measured(len(wrong), len(told), len(wrong & told))


def plant(items: Sequence[Item], seed: int = 0) -> Planted:
    """Faults in a copy of some products, each with one fault at most; the same for a seed.

    2 % in a wrong category, 1 % with a slipped decimal point, 20 texts in another language (5 %
    of a small catalog at most), and for 1 % a second entry, a third of each kind.
    """
    rng = Random(seed)  # noqa: S311 - a simulation, not a secret
    places = list(range(len(items)))
    rng.shuffle(places)
    made = list(items)
    categories = sorted({item.category for item in items if item.category})
    moved = _take(places, _count(items, CATEGORY_SHARE), lambda p: bool(items[p].category))
    moved = moved if len(categories) > 1 else []
    for place in moved:
        others = [path for path in categories if path != items[place].category]
        made[place] = replace(items[place], category=rng.choice(others))
    priced = _take(places, _count(items, PRICE_SHARE), lambda p: items[p].price > 0)
    for place in priced:
        slipped = round(items[place].price * rng.choice(_SLIPS), 4)
        made[place] = replace(items[place], price=slipped)
    foreign = _take(places, min(FOREIGN_TEXTS, len(items) // 20), lambda _: True)
    for n, place in enumerate(foreign):
        title, text = _FOREIGN[n]
        made[place] = replace(items[place], title=title, description=text, own_text=text)
    sources = list(range(len(items)))
    copies = {kind: _copied(made, sources, places, items, rng, kind) for kind in _ENTRIES}
    wrong = {"category": moved, "price": priced, "language": foreign}
    changed = frozenset(moved) | frozenset(foreign) | frozenset(range(len(items), len(made)))
    return Planted(
        tuple(made),
        changed,
        tuple(sources),
        {code: frozenset(found) for code, found in wrong.items()},
        copies,
    )


def _count(items: Sequence[Item], share: float) -> int:
    return max(1, round(share * len(items)))


def _take(places: list[int], count: int, fits: Callable[[int], bool]) -> list[int]:
    taken = [place for place in places if fits(place)][:count]
    for place in taken:
        places.remove(place)
    return taken


def _copied(
    made: list[Item],
    sources: list[int],
    places: list[int],
    items: Sequence[Item],
    rng: Random,
    kind: str,
) -> frozenset[tuple[int, int]]:
    pairs = set()
    count = _count(items, DUPLICATE_SHARE / len(_ENTRIES))
    for place in _take(places, count, lambda p: bool(items[p].title)):
        pairs.add((place, len(made)))
        made.append(replace(_ENTRIES[kind](items[place], rng), id=f"{items[place].id}-{kind}"))
        sources.append(place)
    return frozenset(pairs)


def _imported(item: Item, rng: Random) -> Item:
    """The same feed imported twice, at a price that has moved."""
    return replace(item, price=round(item.price * rng.uniform(0.98, 1.02), 2))


def _reworded(item: Item, rng: Random) -> Item:
    """Typed again: other order, a slip of the pen, a shorter description."""
    pieces = _PIECES.findall(item.title)
    turn = rng.randrange(len(pieces)) if pieces else 0
    title = " ".join(pieces[turn:] + pieces[:turn])
    long = _WORD.findall(title)
    if long:
        word = rng.choice(long)
        place = rng.randrange(1, len(word) - 2)
        slip = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
        title = title.replace(word, slip, 1)
    short = item.own_text.split(". ")[0]
    return replace(item, title=title, description=short, own_text=short)


def _relisted(item: Item, rng: Random) -> Item:
    """By another seller: in capitals, with the brand, in other units, without a description."""
    title = _KILO.sub(lambda m: f"{int(m[1]) * 1000}{_SMALL[m[2].lower()]}", item.title)
    title = f"NEW {item.brand} {title}".upper()
    price = round(item.price * rng.uniform(0.9, 1.1), 2)
    return replace(item, title=title, description="", own_text="", price=price)


_ENTRIES: Mapping[str, Callable[[Item, Random], Item]] = {
    "imported": _imported,
    "reworded": _reworded,
    "relisted": _relisted,
}
