"""Products that are not as the rest of their catalog: what is odd, why, and what would mend it.

Each measure's threshold is where its own distribution leaves a wanted share of false alarms.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from recommender.analysis import category_fit, languages, price_range
from recommender.analysis.items import Item
from recommender.analysis.nearest import Neighbours, Vectors
from recommender.analysis.thresholds import LEAST, TOO_FEW, Tail

_FALSE_ALARMS = 0.001
# What follows from a rule, not from a distribution, comes first.
_CERTAIN = 12.0
# A form of ids or titles is usual where so many have it; where many are rare, none is usual.
_USUAL_FORM, _MOST_RARE = 0.02, 0.05
_FEWEST_FORMS = 100
_LETTERS = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What is odd about a product.

    Attributes:
        place: of the product.
        surprise: of one in how many right products it would be, as a power of ten; 12 at most.
        mend: what to do, as a sentence.
    """

    place: int
    code: str
    surprise: float
    reason: str
    mend: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Anomalies, of each measure the threshold, and why some could not be asked."""

    anomalies: tuple[Anomaly, ...]
    thresholds: Mapping[str, float]
    not_asked: Mapping[str, str]


def find(
    items: Sequence[Item],
    features: Vectors,
    near: Neighbours,
    *,
    false_alarms: float | None = None,
) -> Found:
    """All that is odd.

    Args:
        features: of what products say without their categories, from `least_squares.features`;
            rows of zeros where nothing is known.
        near: the nearest neighbours by vector.
        false_alarms: the share of right products that each measure may report; by default one
            in a thousand, of a smaller catalog one product.
    """
    search = _Search(items, false_alarms or max(_FALSE_ALARMS, 1 / max(1, len(items))))
    anomalies = [
        *search.texts(),
        *search.forms(),
        *search.categories(features),
        *search.prices(features),
        *search.languages(),
        *search.alone(near),
    ]
    anomalies.sort(key=lambda anomaly: -anomaly.surprise)
    return Found(tuple(anomalies), search.thresholds, search.not_asked)


class _Search:
    def __init__(self, items: Sequence[Item], false_alarms: float) -> None:
        self._items = items
        self._rate = false_alarms
        self._categories = [item.category for item in items]
        self.thresholds: dict[str, float] = {}
        self.not_asked: dict[str, str] = {}

    def _beyond(
        self, code: str, scores: NDArray[np.float64], least: float
    ) -> Iterator[tuple[int, float]]:
        """Places and surprise of what is above the threshold."""
        tail = Tail.of(scores)
        if tail is None:
            self.not_asked[code] = TOO_FEW
            return
        threshold = max(tail.threshold(self._rate), least)
        self.thresholds[code] = round(threshold, 4)
        for place in np.flatnonzero(np.nan_to_num(scores, nan=-np.inf) > threshold):
            yield int(place), tail.surprise(float(scores[place]))

    def categories(self, features: Vectors) -> Iterator[Anomaly]:
        fit = category_fit.fit(features, self._categories)
        if fit is None:
            self.not_asked["category"] = "Fewer than two categories have two products."
            return
        for place, surprise in self._beyond("category", fit.margins, 0.0):
            best, own = fit.best_name(place), self._items[place].category
            # Its price is compared with those of the category that fits.
            self._categories[place] = best
            yield Anomaly(
                place,
                "category",
                surprise,
                f"It is like the products of {best}, not like those of {own}.",
                f"Move it to {best}.",
                {"category": own, "fits": best, "margin": round(float(fit.margins[place]), 3)},
            )

    def prices(self, features: Vectors) -> Iterator[Anomaly]:
        prices = np.array([item.price for item in self._items], dtype=np.float64)
        fit = price_range.fit(prices, self._categories, features)
        if fit is None:
            self.not_asked["price"] = "Fewer than two products have a price."
            return
        for place, surprise in self._beyond("price", np.abs(fit.z), 0.0):
            item, usual = self._items[place], float(fit.usual[place])
            low, high = usual * np.exp(-2 * fit.sigma), usual * np.exp(2 * fit.sigma)
            times = max(item.price / usual, usual / item.price)
            word = "dearer" if item.price > usual else "cheaper"
            yield Anomaly(
                place,
                "price",
                surprise,
                f"It is {times:.3g} times {word} than is usual for such a product "
                f"({low:.2f} to {high:.2f}).",
                _mended_price(item.price, usual),
                {"price": item.price, "usual": round(usual, 2), "z": round(float(fit.z[place]), 2)},
            )

    def languages(self) -> Iterator[Anomaly]:
        texts = [f"{item.title}. {item.own_text}" for item in self._items]
        found = languages.identify(texts)
        # Already a probability: no distribution of a catalog's has to tell how odd it is.
        threshold = -float(np.log(self._rate))
        self.thresholds["language"] = round(threshold, 4)
        for row in np.flatnonzero(np.nan_to_num(found.excess) > threshold):
            place, surprise = int(row), min(float(found.excess[row]) / np.log(10), _CERTAIN)
            yield Anomaly(
                place,
                "language",
                surprise,
                f"Its text is in {found.found[place]}; the catalog's are in "
                f"{' and '.join(found.own)}.",
                "Translate its text, or move it to the catalog of that language.",
                {"language": found.found[place], "excess": round(float(found.excess[place]), 1)},
            )

    def texts(self) -> Iterator[Anomaly]:
        for place, item in enumerate(self._items):
            if not item.title.strip() and not item.own_text.strip():
                is_shared = bool(item.description.strip())
                code = "boilerplate_text" if is_shared else "empty_text"
                reason = (
                    "It has no title, and its description says only what many others say."
                    if is_shared
                    else "It has neither title nor description."
                )
                yield Anomaly(place, code, _CERTAIN, reason, "Write a title and a description.")
            elif item.description.strip() and not item.own_text.strip():
                yield Anomaly(
                    place,
                    "boilerplate_text",
                    _CERTAIN / 2,
                    "Its description says only what many others say.",
                    "Describe what is its own.",
                )

    def forms(self) -> Iterator[Anomaly]:
        """Ids and titles written as hardly another one: often lines that are no products."""
        ids = [_form(item.id) for item in self._items]
        yield from self._rare("odd_id", ids, "an id of this form: {}", [i.id for i in self._items])
        titles = [_case(item.title) for item in self._items]
        yield from self._rare("odd_title", titles, "a title in {}", titles)

    def _rare(
        self, code: str, forms: Sequence[str], words: str, named: Sequence[str]
    ) -> Iterator[Anomaly]:
        counts = Counter(filter(None, forms))
        total = sum(counts.values())
        rare = {form for form, count in counts.items() if count < _USUAL_FORM * total}
        if total < _FEWEST_FORMS:
            self.not_asked[code] = f"Fewer than {_FEWEST_FORMS} products."
            return
        if sum(counts[form] for form in rare) > _MOST_RARE * total:
            self.not_asked[code] = "There is no usual form."
            return
        for place, form in enumerate(forms):
            if form in rare:
                yield Anomaly(
                    place,
                    code,
                    float(np.log10(total / counts[form])),
                    f"Hardly another product has {words.format(named[place])}.",
                    "Delete it if it is no product, or have it out of stock.",
                    {"form": form, "products": counts[form]},
                )

    def alone(self, near: Neighbours) -> Iterator[Anomaly]:
        """By the mean distance to the nearest (Ramaswamy, Rastogi and Shim, SIGMOD 2000).

        A mean of distances among many dimensions is nearly normal: its tail is lighter than that
        of the other measures.
        """
        is_near = near.places >= 0
        there = np.flatnonzero(is_near.any(axis=1))
        if len(there) < LEAST:
            self.not_asked["alone"] = TOO_FEW
            return
        distances = np.where(is_near, 1 - near.similarities, np.nan)[there]
        mean = np.nanmean(distances, axis=1).astype(np.float64)
        middle, edge = np.quantile(mean, [0.5, 0.95])
        normal = NormalDist(float(middle), float(max(edge - middle, 1e-6)) / 1.645)
        threshold = normal.inv_cdf(1 - self._rate)
        self.thresholds["alone"] = round(threshold, 4)
        for row in np.flatnonzero(mean > threshold):
            odds = max(1 - normal.cdf(float(mean[row])), 10**-_CERTAIN)
            yield Anomaly(
                int(there[row]),
                "alone",
                -float(np.log10(odds)),
                f"Even its nearest products are unlike it: a cosine of {1 - mean[row]:.2f}, where "
                f"{1 - middle:.2f} is usual.",
                "See whether it is a product, and whether its text says what it is.",
                {"similarity": round(1 - float(mean[row]), 3)},
            )


def _mended_price(price: float, usual: float) -> str:
    """A slipped decimal point is the commonest cause, and mended by a power of ten."""
    shift = round(float(np.log10(price / usual)))
    if shift == 0:
        return "Check the price."
    return f"Check the price; {price / 10**shift:.2f} would be usual."


def _form(text: str) -> str:
    """An id with A for its letters, 9 for its digits."""
    return _LETTERS.sub("A", _DIGITS.sub("9", text))


def _case(title: str) -> str:
    """The letters of a title; empty of one in a script that has one kind."""
    if title.isupper():
        return "capitals"
    if title.islower():
        return "small letters"
    return "" if title.upper() == title.lower() else "small and capital letters"
