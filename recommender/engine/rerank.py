"""From scores to a list: what each candidate is worth beside the others that are listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.engine.formula import RELEVANCE, SCORE
from recommender.engine.rules import Acted, Decay, RuleColumns, Rules

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

# As contributions to a score; as what gave a place.
BOOST, ROTATION = "boost", "rotation"
PROMOTED, EXPLORED, PINNED = "promoted", "explored", "pinned"

_DRAWS = 256
# A share of .2 must give the fifth place, whatever .2 · 5 is in binary.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """Candidates that few have seen, and what became of those who have."""

    rows: Rows
    shown: Floats  # how often; shape (rows,), as the next
    chosen: Floats
    rng: np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Reranked:
    """The rows of the listed candidates, best first, and what the rules did to them."""

    rows: Rows
    # By rule, what it adds to each candidate's score; shape (candidates,).
    changes: Mapping[str, Floats] = field(default_factory=dict)
    placed: Mapping[int, str] = field(default_factory=dict)  # by row: PROMOTED, EXPLORED or PINNED
    acted: Mapping[int, tuple[Acted, ...]] = field(default_factory=dict)  # by row: rules of others
    propensities: Mapping[int, float] = field(default_factory=dict)  # of what was explored, by row
    irrelevant: int = 0  # candidates below the minimum of relevance
    degraded: Mapping[str, str] = field(default_factory=dict)  # rules that did not run, and why

    def of(self, row: int) -> "Moved":
        """What they did to a candidate."""
        placed = self.placed.get(row)
        return Moved(
            changes={n: float(change[row]) for n, change in self.changes.items() if change[row]},
            placed=placed,
            propensity=self.propensities.get(row) if placed == EXPLORED else None,
            acted=self.acted.get(row, ()),
        )


@dataclass(frozen=True, slots=True)
class Moved:
    """What rules did to one candidate."""

    changes: Mapping[str, float] = field(default_factory=dict)  # by rule, what it adds to the score
    placed: str | None = None  # the rule that gave it its place
    propensity: float | None = None  # of what was explored
    acted: tuple[Acted, ...] = ()  # merchandisers' rules that had to do with it


class Reranker(Protocol):
    """What makes lists of candidates by more than their scores."""

    def keys(self) -> Rows:
        """Keys of products that become candidates, whatever proposes or leaves them out."""

    def choose(self, ids: Sequence[str], scores: Floats, count: int) -> Reranked:
        """The list of those candidates, given by their ids and scores."""


def best(scores: Floats, count: int) -> Reranked:
    """The best candidates by their scores alone, ties by row."""
    rows = arrays.largest(scores, count)
    return Reranked(rows=rows[np.isfinite(scores[rows])])


def rerank(
    scores: Floats,
    count: int,
    rules: Rules,
    columns: RuleColumns,
    *,
    scale: tuple[float, float] | None = None,
    listed: int = 0,
    exploration: Exploration | None = None,
) -> Reranked:
    """The list that the rules make of candidates.

    Args:
        scores: as ranked, finite, shape (candidates,).
        scale: the scores whose relevance is 0 and 1; by default 0, or the worst where that is
            below 0, and the best.
        listed: so many of the first candidates are in the list already, in their order.
    """
    worst, top = scale or _scale(scores)
    span = top - worst or 1.0
    relevance = (scores - worst) / span
    boosted, degraded = _boosted(relevance, scores, rules, columns)
    fresh = boosted * columns.freshness
    worth = np.where(relevance >= rules.min_relevance, fresh, -np.inf)
    worth[:listed] = fresh[:listed]
    if rules.diversity and columns.likeness is None:
        degraded["diversity"] = "no_space"
    if rules.promotion and not columns.promoted.any():
        degraded["promote"] = "no_candidates"
    if exploration is not None and not len(exploration.rows):
        degraded["exploration"] = "no_candidates"
    choice = _Choice(rules, columns, worth)
    explored, propensities = _sampled(exploration, rules, count, worth)
    choice.fill(count, explored, listed)
    changes = {BOOST: (boosted - relevance) * span, ROTATION: (fresh - boosted) * span}
    return Reranked(
        rows=np.array(choice.rows, dtype=np.int64),
        changes={name: change for name, change in changes.items() if change.any()},
        placed=choice.placed,
        acted={row: given for row in choice.rows if (given := _acted(row, rules, columns))},
        propensities=propensities,
        irrelevant=int(np.isneginf(worth).sum()),
        degraded=degraded,
    )


def _acted(row: int, rules: Rules, columns: RuleColumns) -> tuple[Acted, ...]:
    """The merchandisers' rules that pin a candidate, boost or bury it."""
    pins = zip(rules.pins, columns.pinned, strict=True)
    boosts = zip(rules.boosted_by, columns.boosted, strict=False)
    return (
        *(pin.by for pin, pinned in pins if pinned == row),
        *(by for by, passes in boosts if by is not None and passes[row]),
    )


def _scale(scores: Floats) -> tuple[float, float]:
    return (min(0.0, float(scores.min())), float(scores.max())) if len(scores) else (0.0, 1.0)


def _boosted(
    relevance: Floats, scores: Floats, rules: Rules, columns: RuleColumns
) -> tuple[Floats, dict[str, str]]:
    """Relevance times what each boost and decay says, then what each formula makes of it."""
    boosted = relevance.copy()
    for times, passes in zip(rules.boosts, columns.boosted, strict=True):
        boosted[passes] *= times
    for decay, distances in zip(rules.decays, columns.distances, strict=True):
        boosted *= _decay(decay, distances)
    degraded = {}
    for formula in rules.formulas:
        given = {**columns.numbers, RELEVANCE: boosted, SCORE: scores}
        result = formula.relevance(given)
        has_none = np.isnan(result)
        if has_none.any():
            degraded["formula"] = "no_value"
        boosted = np.where(has_none, boosted, result)
    return boosted, degraded


def _decay(decay: Decay, distances: Floats) -> Floats:
    """What is left of relevance; all of it where the product has no value."""
    far = np.maximum(np.abs(distances) - decay.offset, 0) / decay.half_life
    if decay.shape == "linear":
        left = np.maximum(1 - far / 2, 0)
    else:
        left = 0.5 ** (far**2 if decay.shape == "gauss" else far)
    left = 1 - decay.weight * (1 - left)
    kept: Floats = np.where(np.isnan(distances), 1.0, left)
    return kept


def _sampled(
    exploration: Exploration | None,
    rules: Rules,
    count: int,
    worth: Floats,
) -> tuple[Sequence[int], dict[int, float]]:
    """Thompson sampling (Chapelle & Li 2011): rows by what draws of their rate promise.

    Returns:
        The rows, the most promising first, and the share of draws in which each is among those
        that the list has places for: its propensity.
    """
    if exploration is None or not len(exploration.rows):
        return (), {}
    places = int(rules.exploration * count + _ROUNDING)
    chosen = np.minimum(exploration.chosen, exploration.shown)
    size = (_DRAWS, len(exploration.rows))
    draws = exploration.rng.beta(1 + chosen, 1 + exploration.shown - chosen, size=size)
    # What nobody has seen must not win over what fits.
    draws *= np.maximum(worth[exploration.rows], 0) + _ROUNDING
    order = np.argsort(-draws, axis=1, kind="stable")
    drawn = np.bincount(order[:, :places].ravel(), minlength=len(exploration.rows)) / _DRAWS
    rows = exploration.rows[order[0]]
    rows = rows[np.isfinite(worth[rows])]
    return rows.tolist(), dict(zip(exploration.rows.tolist(), drawn.tolist(), strict=True))


class _Choice:
    """A list as it is filled, place by place (MMR: Carbonell & Goldstein 1998)."""

    def __init__(self, rules: Rules, columns: RuleColumns, worth: Floats) -> None:
        self.rows: list[int] = []
        self.placed: dict[int, str] = {}
        self._rules = rules
        self._columns = columns
        self._is_open = np.isfinite(worth)
        self._counts: list[dict[int, int]] = [{} for _ in rules.caps]
        self._worth = worth.copy()
        self._likeness = columns.likeness
        self._weight = rules.diversity if columns.likeness is not None else 0.0
        self._worth *= 1 - self._weight
        # Nothing is like what is not there.
        self._alike = np.zeros(len(worth))
        # The place of each pinned product; the first pin of a product or a place counts.
        self._pinned: dict[int, int] = {}
        for pin, row in zip(rules.pins, columns.pinned, strict=True):
            if row >= 0:
                self._pinned.setdefault(row, pin.place)

    def fill(self, count: int, explored: Sequence[int], listed: int) -> None:
        """Give the places up to this one, as far as there are candidates.

        Args:
            listed: so many of the first rows are listed already, and stay in their order.
        """
        left = iter(explored)
        standing = {row: place for row, place in self._pinned.items() if place <= count}
        waiting = sorted(standing, key=lambda row: standing[row])
        given = [row for row in range(listed) if row not in standing][::-1]
        self._is_open[[*waiting, *given]] = False
        # What is sure of its place counts for caps before what is chosen.
        for pinned in waiting:
            self._count(pinned)
        explored_so_far = 0
        while len(self.rows) < count:
            place = len(self.rows) + 1
            has_others = bool(given) or bool(self._is_open.any())
            if waiting and (standing[waiting[0]] <= place or not has_others):
                self._take(waiting.pop(0), PINNED)
                continue
            if given:
                self._take(given.pop())
                explored_so_far = int(self._rules.exploration * place + _ROUNDING)
                continue
            if not has_others:
                break
            if explored_so_far < int(self._rules.exploration * place + _ROUNDING):
                row = next((row for row in left if self._is_open[row]), None)
                explored_so_far += 1
                if row is not None:
                    self._take(row, EXPLORED)
                    continue
            self._take(*self._next(place))

    def _next(self, place: int) -> tuple[int, str | None]:
        values = np.where(self._is_open, self._worth - self._weight * self._alike, -np.inf)
        first = int(np.argmax(values))
        due = int(self._rules.promotion * place + _ROUNDING)
        if self._columns.promoted[first] or int(self._columns.promoted[self.rows].sum()) >= due:
            return first, None
        promoted = np.where(self._columns.promoted, values, -np.inf)
        row = int(np.argmax(promoted))
        return (row, PROMOTED) if np.isfinite(promoted[row]) else (first, None)

    def _take(self, row: int, placed: str | None = None) -> None:
        self.rows.append(row)
        if placed is not None:
            self.placed[row] = placed
        self._is_open[row] = False
        if self._weight and self._likeness is not None:
            self._alike = np.maximum(self._alike, self._likeness(row))
        if placed != PINNED:
            self._count(row)

    def _count(self, row: int) -> None:
        """Close the groups of which there are enough with this row."""
        for most, groups, counts in zip(
            self._rules.caps, self._columns.groups, self._counts, strict=True
        ):
            group = int(groups[row])
            if group < 0:
                continue
            counts[group] = counts.get(group, 0) + 1
            if counts[group] >= most:
                self._is_open[groups == group] = False
