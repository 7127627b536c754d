"""Products that are not as the rest of their catalog: what is odd, why, and what would mend it.

Each measure's threshold is where its own distribution leaves a wanted share of false alarms.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.analysis import category_fit, languages, price_range
from recommender.analysis.items import Item
from recommender.analysis.nearest import Neighbours, Vectors
from recommender.analysis.thresholds import Tail

CODES = {
    "category": "Another category fits better",
    "price": "The price is out of its category's range",
    "language": "Another language than the rest",
    "empty_text": "No text",
    "boilerplate_text": "Nothing but what other products say too",
    "odd_id": "An id of another form than the rest",
    "alone": "Like no other product",
}
_FALSE_ALARMS = 0.001
# What follows from a rule, not from a distribution, comes first.
_CERTAIN = 12.0
# Of ids, a form is the catalog's own where so many have it.
_USUAL_FORM = 0.01
_FEWEST_IDS = 100
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
        *search.ids(),
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
            self.not_asked[code] = "Fewer than 20 products can be compared."
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

    def ids(self) -> Iterator[Anomaly]:
        """Ids of a form that hardly another one has: often lines that are no products."""
        forms = [_form(item.id) for item in self._items]
        counts = Counter(forms)
        usual = {form for form, count in counts.items() if count >= _USUAL_FORM * len(forms)}
        odd = sum(count for form, count in counts.items() if form not in usual)
        if len(forms) < _FEWEST_IDS or odd > 5 * _USUAL_FORM * len(forms):
            return
        for place, form in enumerate(forms):
            if form not in usual:
                surprise = float(np.log10(len(forms) / counts[form]))
                yield Anomaly(
                    place,
                    "odd_id",
                    surprise,
                    f"Hardly another id has the form of {self._items[place].id!r}.",
                    "Delete it, or have it not recommended, if it is no product.",
                    {"form": form, "products": counts[form]},
                )

    def alone(self, near: Neighbours) -> Iterator[Anomaly]:
        """By the simplified local outlier factor (Schubert, Zimek and Kriegel 2014)."""
        is_near = near.places >= 0
        distance = np.where(is_near, 1 - near.similarities, np.nan).astype(np.float64)
        there = is_near.any(axis=1)
        mean = np.full(len(distance), np.nan)
        mean[there] = np.maximum(np.nanmean(distance[there], axis=1), 1e-3)
        around = np.where(is_near, mean[near.places], np.nan)
        factor = np.full(len(distance), np.nan)
        factor[there] = mean[there] / np.nanmean(around[there], axis=1)
        for place, surprise in self._beyond("alone", factor, 1.0):
            yield Anomaly(
                place,
                "alone",
                surprise,
                f"Its nearest products are {factor[place]:.2g} times as far as theirs are.",
                "See whether it is a product, and whether its text says what it is.",
                {"factor": round(float(factor[place]), 3)},
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
