"""Intervals of 95 % for what was counted: shares, money for each thousand, and changes of both."""

from math import sqrt

from recommender.ranking.metrics import Interval

# Of a standard normal variable, what 95 % of draws lie within.
Z = 1.959964


def share(part: float, whole: float) -> Interval | None:
    """A share and its Wilson interval (Wilson 1927), which stays within 0 and 1 for few draws.

    Args:
        part: how many of `whole`; more than all are all.

    Returns:
        None where there is nothing to share.
    """
    if whole <= 0:
        return None
    found = min(part, whole) / whole
    weight = Z * Z / whole
    middle = (found + weight / 2) / (1 + weight)
    half = Z * sqrt(found * (1 - found) / whole + weight / (4 * whole)) / (1 + weight)
    return Interval(found, max(0.0, min(middle - half, found)), min(1.0, max(middle + half, found)))


def mean(total: float, squares: float, number: float, per: float = 1.0) -> Interval | None:
    """The mean of so many amounts, most of them 0, and where it lies by the central limit theorem.

    Args:
        total: the sum of the amounts.
        squares: the sum of their squares.
        per: of how many it is told, such as 1,000.

    Returns:
        None where there are no amounts. Below 0 lies no end of amounts that are not.
    """
    if number <= 0:
        return None
    found = total / number
    half = Z * sqrt(max(0.0, squares / number - found * found) / number)
    low = found - half if total < 0 else max(0.0, found - half)
    return Interval(per * found, per * low, per * (found + half))


def direction(change: Interval | None) -> int:
    """1 where a change is clearly up, -1 where it is clearly down, else 0."""
    if change is None:
        return 0
    return int(change.low > 0) - int(change.high < 0)


def change(now: Interval | None, before: Interval | None) -> Interval | None:
    """The difference of two independent figures, from their own intervals.

    The square-and-add method of Newcombe (1998), which keeps the intervals' skewness (Zou & Donner
    2008 call it MOVER).

    Returns:
        None where one of them is none.
    """
    if now is None or before is None:
        return None
    found = now.mean - before.mean
    below = sqrt((now.mean - now.low) ** 2 + (before.high - before.mean) ** 2)
    above = sqrt((now.high - now.mean) ** 2 + (before.mean - before.low) ** 2)
    return Interval(found, found - below, found + above)
