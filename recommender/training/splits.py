"""Temporal splits of a history: what was known, and what followed. Numbers in, numbers out.

Two ways to cut history. By *windows*: at a few times for all users, each with what followed in
the weeks after; right where many users come back, for they are the ones who ask for lists. By
*last*: each user's last event, taken out of everything; right where most users' histories have
ended, or times tell nothing. Where windows judge, last events are one more lesson: lists are asked
for what comes next, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recommender.behaviour.interactions import SECONDS_A_DAY, Interactions, made_up_times

# The horizon of the prediction is a fifth of the history, and two months at most.
_LONGEST = 60 * SECONDS_A_DAY
_SHARE = 0.2
# The cut-offs before the end, in horizons; the first is that of the held-out split.
_CUT_OFFS = (1.0, 1.25, 1.5, 2.0)
# With a smaller share coming back, windows would learn from an odd few, unless these are many.
_RETURNING, _MANY = 0.2, 2_000
# From fewer users no rank is learnt.
_FEWEST = 50
_SHORTEST = SECONDS_A_DAY
# Of a history whose times tell no order, this share stands for what comes next.
_HELD_OUT = 0.2
# Of the users whose last event is taken out, this share is held out for model selection.
_VALIDATION = 0.3

WINDOWS, LAST = "windows", "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What was known as of a time, and what followed; rows of `relevant` are users."""

    clock: float
    known: Interactions
    relevant: csr_array  # users × products, 1 for each product that followed
    # The same without what the held-out split holds: what a model to be selected may learn from.
    labels: csr_array
    is_held_out: bool  # whether models are selected by it


@dataclass(frozen=True, slots=True)
class Plan:
    """How a history is cut, and why so."""

    scheme: str
    reason: str
    splits: tuple[Split, ...]

    @property
    def held_out(self) -> Split | None:
        """The split that models are selected by; None where nothing can be cut."""
        return next((split for split in self.splits if split.is_held_out), None)


def plan(interactions: Interactions, scheme: str | None = None) -> Plan:
    """The splits of a history: by windows where enough users come back, else by last events.

    Enough are a fifth of the users or 2,000; but where fewer than 50 come back and last events
    teach of more, they do. By last events, too, where times are made up of nothing but the order
    of each user's events.

    Args:
        scheme: LAST, where that is what the rank is for.
    """
    positive = interactions.positive()
    if not len(positive):
        return Plan(LAST, "No event speaks for a product.", ())
    if scheme == LAST:
        return _last(interactions, "What each user does next is to be predicted.")
    if made_up := made_up_times(positive):
        return _last(interactions, f"{made_up}, so that times tell no more than their order.")
    if _end(interactions) - float(interactions.times[0]) < _SHORTEST:
        return _last(interactions, "All events are of one day.")
    return _of_those_who_return(interactions, positive)


def _of_those_who_return(interactions: Interactions, positive: Interactions) -> Plan:
    ahead = horizon(interactions)
    came_back, users = returning(positive, last_days(interactions))
    share = came_back / max(1, users)
    text = f"{share:.0%} of the users came back in the last {ahead / SECONDS_A_DAY:.0f} days"
    if share < _RETURNING and came_back < _MANY:
        return _last(interactions, f"only {text}.")
    if came_back < _FEWEST <= (1 - _VALIDATION) * _with_two_events(positive):
        return _last(interactions, f"{text}, but these are only {came_back}.")
    return Plan(WINDOWS, f"{text}.", tuple(_windows(interactions, _end(interactions), ahead)))


def horizon(interactions: Interactions) -> float:
    """How far ahead is to be predicted, in seconds: a fifth of the history, at most two months."""
    if not len(interactions):
        return 0.0
    return min(_LONGEST, _SHARE * float(interactions.times[-1] - interactions.times[0]))


def last_days(interactions: Interactions) -> float:
    """The time from which on is to be predicted: one horizon before the end of the history.

    Not before now: a catalog may have been still for a while.
    """
    return _end(interactions) - horizon(interactions)


def split_at(interactions: Interactions, clock: float) -> Split:
    """One cut-off for all users, and all that followed."""
    return Split(
        clock=clock,
        known=interactions.before(clock),
        relevant=_between(interactions, clock, np.inf),
        labels=_none(interactions),
        is_held_out=True,
    )


def leave_last_out(interactions: Interactions) -> Split:
    """Every user's last event, taken out of everything."""
    held = hold_out_last(interactions)
    return Split(
        clock=_end(interactions),
        known=interactions.where(~held),
        relevant=interactions.where(held).binary(),
        labels=_none(interactions),
        is_held_out=True,
    )


def returning(positive: Interactions, as_of: float) -> tuple[int, int]:
    """How many users had events before a time and after it, and how many had some before it."""
    before = np.unique(positive.users[positive.times < as_of])
    after = np.unique(positive.users[positive.times >= as_of])
    return int(np.isin(before, after).sum()), len(before)


def _with_two_events(positive: Interactions) -> int:
    """The users whose last event can be foretold from another."""
    return int((np.bincount(positive.users, minlength=1) > 1).sum())


def hold_out_last(interactions: Interactions) -> NDArray[np.bool_]:
    """A mask of the events that are each user's last, shape (events,).

    All positive events at a user's last time; where that is more than half of them, their times
    tell no order, and a fifth, at least one, stands for it. A user with one event keeps it.
    """
    order = np.argsort(interactions.users, kind="stable")
    order = order[interactions.weights[order] > 0]
    users, times = interactions.users[order], interactions.times[order]
    starts = np.searchsorted(users, users, side="left")
    ends = np.searchsorted(users, users, side="right")
    lengths = ends - starts
    at_end = times == times[ends - 1] if len(times) else np.zeros(0, dtype=bool)
    tied = np.bincount(users, weights=at_end, minlength=interactions.n_users)[users]
    from_end = ends - np.arange(len(users))
    few = np.maximum(1, np.floor(_HELD_OUT * lengths))
    held = np.where(tied <= lengths / 2, at_end, from_end <= few) & (lengths > 1)
    mask = np.zeros(len(interactions), dtype=bool)
    mask[order[held]] = True
    return mask


def _end(interactions: Interactions) -> float:
    """Just after the last event."""
    return float(interactions.times[-1]) + 1e-3


def _windows(interactions: Interactions, end: float, horizon: float) -> Sequence[Split]:
    """The windows, and the last events before the one that judges, where these teach of enough."""
    held_out_from = end - _CUT_OFFS[0] * horizon
    windows = [
        Split(
            clock=clock,
            known=interactions.before(clock),
            relevant=_between(interactions, clock, clock + horizon),
            labels=_between(interactions, clock, min(clock + horizon, held_out_from)),
            is_held_out=clock == held_out_from,
        )
        for clock in (end - distance * horizon for distance in _CUT_OFFS)
    ]
    before = interactions.before(held_out_from)
    if _with_two_events(before.positive()) < _FEWEST:
        return windows
    last = leave_last_out(before)
    return [*windows, replace(last, labels=last.relevant, is_held_out=False)]


def _between(interactions: Interactions, start: float, end: float) -> csr_array:
    times = interactions.times
    return interactions.where((times >= start) & (times < end)).positive().binary()


def _last(interactions: Interactions, reason: str) -> Plan:
    """One split: all but the last events, of which those of some users are held out."""
    whole = leave_last_out(interactions)
    is_held_out = np.random.default_rng(0).random(interactions.n_users) < _VALIDATION
    training = _rows_where(whole.relevant, ~is_held_out)
    return Plan(
        LAST,
        reason,
        (
            replace(whole, relevant=training, labels=training, is_held_out=False),
            replace(whole, relevant=_rows_where(whole.relevant, is_held_out)),
        ),
    )


def _none(interactions: Interactions) -> csr_array:
    return csr_array((interactions.n_users, interactions.n_products), dtype=np.float32)


def _rows_where(matrix: csr_array, kept: NDArray[np.bool_]) -> csr_array:
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    mask = kept[rows]
    return csr_array((matrix.data[mask], (rows[mask], matrix.indices[mask])), shape=matrix.shape)
