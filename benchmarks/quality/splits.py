"""How a history is cut into what is known and what is to be found."""

import numpy as np

from benchmarks.quality.dataset import History

_SEED = 2026
_SHARE = 0.2


def last_of_each(history: History) -> tuple[History, History]:
    """Leave-one-out: each user's last event is to be found, where there are two or more.

    Of events of one time the last in the file is the last.
    """
    order = np.lexsort((np.arange(len(history)), history.at, history.users))
    users = history.users[order]
    is_last = np.r_[users[1:] != users[:-1], True] if len(users) else np.zeros(0, bool)
    is_first = np.r_[True, users[1:] != users[:-1]] if len(users) else np.zeros(0, bool)
    chosen = order[is_last & ~is_first]
    return _apart(history, chosen)


def fifth_of_each(history: History) -> tuple[History, History]:
    """A fifth of each user's events, at random by a fixed seed, rounded down; at least one of two.

    One event counts for each product of a user: what is known is not to be found again.
    """
    pairs = np.stack((history.users, history.products), axis=1)
    _, firsts = np.unique(pairs, axis=0, return_index=True)
    history = history.where(np.sort(firsts))
    random = np.random.default_rng(_SEED).random(len(history))
    order = np.lexsort((random, history.users))
    users = history.users[order]
    starts = np.searchsorted(users, users, side="left")
    counts = np.searchsorted(users, users, side="right") - starts
    most = np.maximum(np.floor(counts * _SHARE), counts >= 2)
    chosen = order[np.arange(len(users)) - starts < most]
    return _apart(history, chosen)


def from_time(history: History, moment: int) -> tuple[History, History]:
    """What is before a moment, in seconds since 1970, is known; what is from then on is found."""
    before = history.at < moment
    return history.where(before), history.where(~before)


def last_seconds(history: History, seconds: int) -> tuple[History, History]:
    """The last so many seconds of a history are to be found."""
    return from_time(history, int(history.at.max()) + 1 - seconds)


def last_tenth(history: History) -> tuple[History, History]:
    """By global time: the moment that nine tenths of the events lie before."""
    return from_time(history, int(np.quantile(history.at, 0.9)))


def _apart(history: History, chosen: np.ndarray) -> tuple[History, History]:
    found = np.zeros(len(history), bool)
    found[chosen] = True
    return history.where(~found), history.where(found)
