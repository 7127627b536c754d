"""What another rank's lists would have earned, told from the answers that were logged.

Off-policy evaluation with logged propensities. Each item that both the logged answer and the other
rank list for a user stands, with its clicks, for all the answers in which it could have been shown:
its weight is one over its propensity, the probability of having been shown (inverse propensity
scoring, Horvitz & Thompson 1952; of the items of lists, Li et al. 2018). Where the other rank puts
it elsewhere, the examination of places says how much more it is looked at there (`click_model`).

- *SNIPS* (Swaminathan & Joachims 2015) divides by the weights' own sum: what cannot be told is
  taken to be as good as what can.
- *Doubly robust* (Dudík, Langford & Li 2011): a model of clicks foretells every item of the other
  rank's lists, and what the weights tell of the shared items corrects it. What was never shown is
  the model's alone.

Intervals are of 90 %, by bootstrap over users (Efron 1979), whose answers are not independent of
each other; each resample fits its own model. They say what chance does, not what a wrong model of
the items without support does. Numbers in, numbers out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit

from recommender.effect import click_model
from recommender.effect.click_model import Floats
from recommender.ranking import metrics
from recommender.ranking.metrics import Interval

Rows = NDArray[np.int64]

# Of a list's items so many must be told of by the log: with fewer, the figure would be the model's.
LEAST_SUPPORT = 0.5
# SNIPS takes what was not shown to be as good as what was, which the logged rank held to be better.
LEAST_SUPPORT_SNIPS = 0.88
# Fewer clicks of shared items tell next to nothing.
FEWEST_CLICKS = 50
# What was drawn more seldom than this counts as if it had been drawn so often.
LEAST_PROPENSITY = 0.02
# Levels of what the model holds of an item.
_LEVELS = 20
# Of a normal prior of coefficients.
_PRECISION = 1.0
_STEPS = 12
_PER = 1000.0
_TAIL = 5.0  # percent on each side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Listed:
    """The items of some lists, in any order; every array begins with shape (items,)."""

    users: Rows  # numbers from 0
    answers: Rows  # numbers from 0
    products: Rows  # numbers from 0; none twice in an answer
    places: Rows  # from 0
    # What is known of each as of its answer, alike in both kinds of lists: shape (items, known),
    # NaN for an item of which nothing is known. Nothing of its clicks may be in it.
    known: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Log:
    """What was shown, how likely that was, and what was clicked; each of shape (items,)."""

    listed: Listed
    propensities: Floats  # above 0, at most 1
    clicks: Floats  # 0 or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a rank would have earned, in clicks for 1,000 items listed; intervals are of 90 %."""

    snips: Interval | None  # None with less support, too
    doubly_robust: Interval | None
    observed: float | None  # what the logged lists earned
    support: float  # share of the rank's items of which the log tells, at most 1
    users: int
    answers: int
    clipped: float  # share of the shared items whose propensity was raised
    reason: str | None  # why there are no figures


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Sums that all figures are made of, by user: shape (users, cells), and how wide each is."""

    of_users: csr_array
    shapes: tuple[tuple[int, int], ...]

    def tables(self, draws: Floats) -> list[Floats]:
        """The sums of resampled users, one array a table.

        Args:
            draws: how often each user is drawn, shape (resamples, users).
        """
        sums = (self.of_users.T @ draws.T).T
        widths = [rows * columns for rows, columns in self.shapes]
        parts = np.split(sums, np.cumsum(widths)[:-1], axis=1)
        return [part.reshape(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)]


def estimate(log: Log, proposed: Listed) -> Estimate:
    """What lists of another rank for the logged answers would have earned.

    Args:
        log: at least one item.
        proposed: the other rank's lists, of the same numbers of users, answers and products.
    """
    shared, at = _shared(log.listed, proposed)
    weights = 1 / np.maximum(log.propensities[shared], LEAST_PROPENSITY)
    support = min(1.0, float(weights.sum()) / max(1, len(proposed.products)))
    clicks = int(log.clicks[shared].sum())
    users = np.unique(log.listed.users)
    reason = _shortage(len(users), support, clicks)
    snips = doubly_robust = None
    if reason is None:
        cells = _cells(log, proposed, shared, at, weights)
        snips, doubly_robust = _intervals(cells)
        snips = snips if support >= LEAST_SUPPORT_SNIPS else None
    clipped = log.propensities[shared] < LEAST_PROPENSITY
    return Estimate(
        snips=snips,
        doubly_robust=doubly_robust,
        observed=_PER * float(log.clicks.mean()) if len(log.clicks) else None,
        support=support,
        users=len(users),
        answers=len(np.unique(log.listed.answers)),
        clipped=float(clipped.mean()) if len(shared) else 0.0,
        reason=reason,
    )


def _shortage(users: int, support: float, clicks: int) -> str | None:
    if users < metrics.MIN_USERS:
        return f"Lists of {users} users were logged; at least {metrics.MIN_USERS} are needed."
    if support < LEAST_SUPPORT:
        return (
            f"Of what it lists the log tells of {support:.0%}; at least {LEAST_SUPPORT:.0%} are "
            "needed. Exploration shows what would else not be shown."
        )
    if clicks < FEWEST_CLICKS:
        return (
            f"What both list was clicked {clicks} times; at least {FEWEST_CLICKS} clicks are "
            "needed."
        )
    return None


def _shared(logged: Listed, proposed: Listed) -> tuple[Rows, Rows]:
    """The items that both list for an answer: their rows there and here."""
    n = 1 + int(max(logged.products.max(initial=0), proposed.products.max(initial=0)))
    pairs = [each.answers * n + each.products for each in (logged, proposed)]
    _, there, here = np.intersect1d(pairs[0], pairs[1], return_indices=True)
    return there.astype(np.int64), here.astype(np.int64)


def _cells(log: Log, proposed: Listed, shared: Rows, at: Rows, weights: Floats) -> _Cells:
    """The tables: shown and clicked by place and level, the other rank's items by place and level,
    the shared ones' weights alike, and their clicks' weights by both their places."""
    logged = log.listed
    n_places = 1 + int(max(logged.places.max(), proposed.places.max()))
    logged_levels, levels = _levels(log, proposed, n_places)
    n_users = 1 + int(max(logged.users.max(), proposed.users.max()))
    of_levels = (n_places, _LEVELS + 1)
    told = (
        (logged.users, logged.places, logged_levels, np.ones(len(log.clicks)), of_levels),
        (logged.users, logged.places, logged_levels, log.clicks, of_levels),
        (proposed.users, proposed.places, levels, np.ones(len(levels)), of_levels),
        (proposed.users[at], proposed.places[at], levels[at], weights, of_levels),
        (
            proposed.users[at],
            proposed.places[at],
            logged.places[shared],
            weights * log.clicks[shared],
            (n_places, n_places),
        ),
    )
    users, cells, values, width = [], [], [], 0
    for of_users, rows, columns, amounts, shape in told:
        users.append(of_users)
        cells.append(width + rows * shape[1] + columns)
        values.append(amounts)
        width += shape[0] * shape[1]
    places = (np.concatenate(users), np.concatenate(cells))
    sums = csr_array((np.concatenate(values), places), shape=(n_users, width))
    # Numbers without an item are nobody, and are not drawn.
    return _Cells(sums[np.unique(logged.users)], tuple(shape for *_, shape in told))


def _levels(log: Log, proposed: Listed, n_places: int) -> tuple[Rows, Rows]:
    """What is held of each item, in as many levels as there are; the last is "nothing is known".

    Logistic regression of clicks on what is known and on the place: what is shown further down is
    looked at less, which says nothing of the item.
    """
    known = log.listed.known
    # What was explored is another kind of item, and stands at places of its own.
    there = np.isfinite(known).all(axis=1) & (log.propensities == 1)
    if not there.any():
        return np.full(len(known), _LEVELS), np.full(len(proposed.known), _LEVELS)
    middle, spread = known[there].mean(axis=0), known[there].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard = (known[there] - middle) / spread
    places = np.eye(n_places)[log.listed.places[there]]
    slopes = _slopes(np.column_stack([standard, places]), log.clicks[there], standard.shape[1])
    held = [((each - middle) / spread) @ slopes for each in (known, proposed.known)]
    clicked = held[0][there & (log.clicks > 0)]
    # Finest where clicks are: there is what a list of better items goes by.
    edges = np.quantile(clicked, np.arange(1, _LEVELS) / _LEVELS) if len(clicked) else np.zeros(0)
    logged, proposed_levels = (
        np.where(np.isfinite(each), np.searchsorted(edges, each, side="right"), _LEVELS)
        for each in held
    )
    return np.where(there, logged, _LEVELS).astype(np.int64), proposed_levels.astype(np.int64)


def _slopes(columns: Floats, clicks: Floats, count: int) -> Floats:
    """Of logistic regression with a normal prior the first coefficients, by Newton's method."""
    weights = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        chance = expit(columns @ weights)
        slope = columns.T @ (clicks - chance) - _PRECISION * weights
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns
        curvature[np.diag_indices_from(curvature)] += _PRECISION
        weights += np.linalg.solve(curvature, slope)
    found: Floats = weights[:count]
    return found


def _intervals(cells: _Cells) -> tuple[Interval | None, Interval | None]:
    """Both figures with the middle 90 % of what resampled users give."""
    n_users = cells.of_users.shape[0]
    found = [_figures(cells.tables(np.ones((1, n_users))))]
    width = sum(rows * columns * max(rows, columns) for rows, columns in cells.shapes)
    found += [_figures(cells.tables(draws)) for draws in metrics.resamples(n_users, width)]
    (of_snips, of_doubly_robust) = (np.concatenate(each) for each in zip(*found, strict=True))
    return _interval(of_snips), _interval(of_doubly_robust)


def _interval(values: Floats) -> Interval | None:
    """The first is the figure, the others are of resamples."""
    if not np.isfinite(values[0]):
        return None
    low, high = np.nanpercentile(values[1:], [_TAIL, 100 - _TAIL])
    return Interval(float(values[0]), float(low), float(high))


def _figures(tables: list[Floats]) -> tuple[Floats, Floats]:
    """SNIPS and the doubly robust estimate of each resample."""
    shown, clicked, listed, weighed, earned = tables
    model = click_model.fit(shown[:, :, :_LEVELS], clicked[:, :, :_LEVELS])
    seen = model.examination
    unknown = metrics.quotient(
        clicked[:, :, _LEVELS].sum(axis=1),
        np.einsum("tj,tj->t", shown[:, :, _LEVELS], seen),
    )
    attraction = np.column_stack([model.attraction, np.nan_to_num(unknown)])
    moved = np.einsum("tij,ti,tj->t", earned, seen, 1 / seen)
    number = listed.sum(axis=(1, 2))
    looked_at, looked_at_shared = (np.einsum("tjb,tj->t", each, seen) for each in (listed, weighed))
    snips = metrics.quotient(moved * looked_at, looked_at_shared * number)
    foretold = np.einsum("tjb,tj,tb->t", listed - weighed, seen, attraction)
    return _PER * snips, _PER * metrics.quotient(foretold + moved, number)
