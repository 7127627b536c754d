"""What goes with a product: likeness by content, by behaviour and by co-occurrence, weighed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from recommender.ranking import features
from recommender.ranking.ranker import BASE, Contributions, Ranker, Scored, signal_of
from recommender.ranking.table import CandidateTable

# The kinds of evidence that a blend weighs, and the signals that give it.
CONTENT, BEHAVIOUR, COOCCURRENCE = "content", "behaviour", "cooccurrence"
SIGNALS: Mapping[str, tuple[str, ...]] = {
    CONTENT: ("text", "image", "multimodal"),
    BEHAVIOUR: ("behaviour",),
    COOCCURRENCE: ("together", "ease"),
}
# Of what is known of one product: its own vector in a space, all of its item neighbours.
_COLUMNS = ("last", "all")
# Softer than fusion's 60: of few signals the first places are to count.
_RANK_OFFSET = 11

SUBSTITUTE = "substitute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How much each kind of evidence counts; only the proportions do."""

    content: float = 0.0
    behaviour: float = 0.0
    cooccurrence: float = 0.0

    def __post_init__(self) -> None:
        weights = self.weights.values()
        if not all(np.isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights):
            raise ValueError(f"A blend has weights from 0 on, and one above 0, not {self}.")

    @property
    def weights(self) -> Mapping[str, float]:
        """By kind of evidence."""
        return {
            CONTENT: self.content,
            BEHAVIOUR: self.behaviour,
            COOCCURRENCE: self.cooccurrence,
        }

    @property
    def is_content_alone(self) -> bool:
        """Whether nothing that was learnt from history counts."""
        return not self.behaviour and not self.cooccurrence

    def __str__(self) -> str:
        return ", ".join(f"{kind} {weight:g}" for kind, weight in self.weights.items() if weight)


CONTENT_ALONE = Blend(content=1.0)


class RelatedRanker(Ranker):
    """Weighted reciprocal ranks of the signals by a blend.

    The weight of a kind of evidence is shared by those of its signals that the table has. Ranks and
    not scores, since a cosine of texts and a share of common users have no common scale.
    """

    kind: ClassVar[str] = "related"

    def __init__(self, blend: Blend) -> None:
        self.blend = blend

    def scored(self, table: CandidateTable) -> Scored:
        rows_of = _rows_of(table)
        values = np.zeros((1 + len(rows_of), len(table.products)))
        scores = np.fmax(table.scores, np.float32(0))
        shares = _shares(self.blend, rows_of)
        for rows in features.requests(table.sizes):
            for place, (signal, columns) in enumerate(rows_of.items(), start=1):
                ranks = features.reciprocals(
                    np.ascontiguousarray(scores[columns, rows]), _RANK_OFFSET
                )
                values[place, rows] = shares[signal] * ranks.max(axis=0)
        return _scored((BASE, *rows_of), values)

    def to_bytes(self) -> bytes:
        """Nothing: the catalog keeps its blend."""
        return b""


def _rows_of(table: CandidateTable) -> dict[str, list[int]]:
    """By signal that some blend weighs, the rows of the table's scores that speak of a product."""
    known = {signal for signals in SIGNALS.values() for signal in signals}
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(table.columns.scores):
        if signal_of(name) in known and name.rpartition(":")[2] in _COLUMNS:
            rows_of.setdefault(signal_of(name), []).append(row)
    return rows_of


def _shares(blend: Blend, rows_of: Mapping[str, object]) -> dict[str, float]:
    """The weight of each signal, all of a blend summing to 1."""
    total = sum(blend.weights.values())
    shares: dict[str, float] = {}
    for kind, weight in blend.weights.items():
        present = [signal for signal in SIGNALS[kind] if signal in rows_of]
        shares |= {signal: weight / total / len(present) for signal in present}
    return shares


class BoughtRanker(Ranker):
    """What is bought with given products, and where substitutes are to be avoided, less of those.

    The score of a product is that of its neighbours of one kind, such as those of common baskets,
    less as much of it as the product is a substitute of what was given, from 0 to 1.
    """

    kind: ClassVar[str] = "bought"

    def __init__(self, signal: str, *, avoids_substitutes: bool) -> None:
        self._signal = signal
        self._avoids_substitutes = avoids_substitutes

    def scored(self, table: CandidateTable) -> Scored:
        values = np.zeros((3, len(table.products)))
        values[1] = table[f"{self._signal}:all"]
        if self._avoids_substitutes:
            values[2] = -values[1] * table[f"{SUBSTITUTE}:likeness"]
        return _scored((BASE, self._signal, SUBSTITUTE), values)

    def to_bytes(self) -> bytes:
        """Nothing is learnt."""
        return b""


def _scored(names: tuple[str, ...], values: NDArray[np.float64]) -> Scored:
    """Scores that are the sum of what each signal gives, shape (signals, candidates)."""

    def contributions(rows: NDArray[np.int64]) -> Contributions:
        return Contributions(names, values[:, rows].T)

    return Scored(values.sum(axis=0), contributions)
