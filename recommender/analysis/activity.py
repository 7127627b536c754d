"""What users did, added up: as a whole, and by product and day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HOUR, _DAY = 3_600, 86_400
# Steps between events of one visit, in seconds, and how many of them show a rhythm.
_LONGEST_STEP, _FEWEST_STEPS = 1_800, 15


@dataclass(frozen=True, slots=True)
class Events:
    """Events of whole users, ordered by user and time; every array has shape (events,)."""

    users: Ints
    products: Ints
    times: Floats  # seconds since 1970
    is_purchase: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True)
class Activity:
    """What each user did as a whole; every array has shape (users,)."""

    users: Ints
    events: Ints
    products: Ints  # different ones
    purchases: Ints
    busiest_hour: Ints  # events in it
    awake: Ints  # different hours of the busiest day
    repeats: Ints  # most events with one product in a day
    rhythm: Floats  # coefficient of variation of steps in visits; NaN where there are few

    def __len__(self) -> int:
        return len(self.users)


@dataclass(frozen=True, slots=True)
class Cells:
    """What each user did with a product on a day; every array has shape (cells,)."""

    users: Ints
    products: Ints
    days: Ints  # since 1970
    events: Ints
    purchases: Ints

    def __len__(self) -> int:
        return len(self.users)

    def at(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Cells":
        """Those of these rows."""
        return Cells(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def summarise(parts: Iterable[Events]) -> tuple[Activity, Cells]:
    """Add up events that come in parts, each of whole users, in the order of users.

    Memory is that of one part, and 40 bytes for each product that a user met on a day.
    """
    activities, cells = [_activity(_NOTHING)], [_cells(_NOTHING)]
    for part in parts:
        if len(part):
            activities.append(_activity(part))
            cells.append(_cells(part))
    return Activity(*_joined(activities)), Cells(*_joined(cells))


_NOTHING = Events(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, dtype=bool)
)


def _joined(parts: Sequence[Activity] | Sequence[Cells]) -> Iterator[NDArray[Any]]:
    """Column by column, those of all parts."""
    for name in parts[0].__dataclass_fields__:
        yield np.concatenate([getattr(one, name) for one in parts])


def _activity(events: Events) -> Activity:
    users, rows = np.unique(events.users, return_inverse=True)
    hours = (events.times // _HOUR).astype(np.int64)
    by_hour, in_hour = _counts(rows, hours)
    _, hours_of_day = _counts(by_hour[0], by_hour[1] * _HOUR // _DAY)
    of_day = np.unique(np.stack([by_hour[0], by_hour[1] * _HOUR // _DAY]), axis=1)
    by_product = np.unique(np.stack([rows, events.products]), axis=1)
    days = (events.times // _DAY).astype(np.int64)
    of_product, repeats = _counts(rows, events.products, days)
    return Activity(
        users=users,
        events=np.bincount(rows, minlength=len(users)),
        products=np.bincount(by_product[0], minlength=len(users)),
        purchases=np.bincount(rows, events.is_purchase, len(users)).astype(np.int64),
        busiest_hour=_largest(by_hour[0], in_hour, len(users)),
        awake=_largest(of_day[0], hours_of_day, len(users)),
        repeats=_largest(of_product[0], repeats, len(users)),
        rhythm=_rhythm(events.times, rows, len(users)),
    )


def _cells(events: Events) -> Cells:
    days = (events.times // _DAY).astype(np.int64)
    keys, counts = _counts(events.users, events.products, days)
    bought = events.is_purchase
    purchases = np.zeros(len(counts), dtype=np.int64)
    if bought.any():
        of_purchase, made = _counts(events.users[bought], events.products[bought], days[bought])
        purchases[_places(keys, of_purchase)] = made
    return Cells(keys[0], keys[1], keys[2], counts, purchases)


def _counts(*columns: Ints) -> tuple[Ints, Ints]:
    """The different rows of columns, in order, shape (columns, rows), and how often each is."""
    if not len(columns[0]):
        return np.zeros((len(columns), 0), dtype=np.int64), np.zeros(0, dtype=np.int64)
    order = np.lexsort(columns[::-1])
    rows = np.stack([column[order] for column in columns])
    starts = np.flatnonzero(np.append(True, (rows[:, 1:] != rows[:, :-1]).any(axis=0)))
    return rows[:, starts], np.diff(np.append(starts, len(order)))


def _places(keys: Ints, some: Ints) -> Ints:
    """Where some of the rows of `_counts` are among all of them."""
    both = np.concatenate([keys, some], axis=1)
    is_some = np.append(np.zeros(keys.shape[1], dtype=bool), np.ones(some.shape[1], dtype=bool))
    order = np.lexsort((is_some, *both[::-1]))
    # Each of some comes right after itself among all.
    return np.flatnonzero(~is_some[order]).searchsorted(np.flatnonzero(is_some[order])) - 1


def _largest(rows: Ints, values: Ints, n: int) -> Ints:
    found = np.zeros(n, dtype=np.int64)
    np.maximum.at(found, rows, values)
    return found


def _rhythm(times: Floats, rows: Ints, n: int) -> Floats:
    """How much the steps in visits vary, as a share of their mean; NaN where there are few."""
    steps = np.diff(times)
    in_visit = (rows[1:] == rows[:-1]) & (steps > 0) & (steps < _LONGEST_STEP)
    steps, of = steps[in_visit], rows[1:][in_visit]
    counts = np.bincount(of, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(of, steps, n) / counts
        squares = np.bincount(of, (steps - means[of]) ** 2, n) / counts
        varies = np.sqrt(squares) / means
    return np.where(counts >= _FEWEST_STEPS, varies, np.nan)
