"""Users who are no single person: bots and scrapers, and accounts that many share.

Each signal compares a user with all users of the catalog, and one alone is a keen customer: two at
least must come together. Web robots are told by rate, breadth, regularity and by what they
never do (Stassopoulou and Dikaiakos, "Web robot detection", Computer Networks 2009; Doran and
Gokhale, "Web robot detection techniques", DMKD 2011).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommender.analysis import tails
from recommender.analysis.activity import Activity

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# People's steps vary as much as they last (a coefficient of variation of 1); programs' do not.
_REGULAR = 0.4
# Of hours of a day in which somebody is active; who sleeps has fewer.
_AWAKE = 18
# Fewer events are no mass, whatever is usual in a catalog; of an hour, and of one product's day.
_FEWEST_EVENTS, _FEWEST_AN_HOUR, _FEWEST_REPEATS = 30, 30, 20
# How unlikely it must be that a customer would have bought nothing: e to the minus this.
_NEVER_BUYS, _CERTAIN = 7.0, 2.0


@dataclass(frozen=True, slots=True)
class Suspect:
    """A user who is no single person, as it looks."""

    user: int
    kind: str  # `scraper`, `hammering` or `shared-account`
    score: float  # how often over the limits of all signals together; the more, the surer
    reasons: tuple[str, ...]
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Signal:
    """A measure of every user, 1 at its limit."""

    strength: Floats
    values: Floats
    words: str  # with `{value}` and `{limit}`
    limit: float

    def says(self, row: int) -> str:
        return self.words.format(value=self.values[row], limit=self.limit)


# Two of these together are a program's, in whom buys nothing.
_BOT = ("rhythm", "rate", "breadth", "awake")


def suspects(activity: Activity, false_alarms: float = 0.001) -> list[Suspect]:
    """Users who look like programs or crowds, the surest first.

    Args:
        activity: of all users of a catalog.
        false_alarms: the share of usual users that each single signal may exceed.
    """
    if not len(activity):
        return []
    signals = _signals(activity, false_alarms)
    over = {name: signal.strength >= 1 for name, signal in signals.items()}
    votes = sum(over[name].astype(int) for name in _BOT)
    many, buys = activity.events >= _FEWEST_EVENTS, activity.purchases > 0
    # No person has a program's rhythm; what else is a program's needs that nothing is bought.
    is_bot = many & (votes >= 2) & (over["rhythm"] | over["no_purchase"])
    # Where that nothing is bought cannot be by chance, one of them is enough.
    is_bot |= many & (votes >= 1) & (signals["no_purchase"].strength >= _CERTAIN)
    is_hammering = ~is_bot & over["repeats"] & ~buys
    is_crowd = ~is_bot & over["events"] & (over["breadth"] | over["awake"]) & buys
    kinds = np.where(is_bot, 1, np.where(is_hammering, 2, np.where(is_crowd, 3, 0)))
    found = list(_suspects(activity, signals, kinds))
    return sorted(found, key=lambda one: -one.score)


_KINDS = ("", "scraper", "hammering", "shared-account")


def _suspects(activity: Activity, signals: Mapping[str, _Signal], kinds: Ints) -> Iterator[Suspect]:
    for row in np.flatnonzero(kinds):
        told = {name: one for name, one in signals.items() if one.strength[row] >= 1}
        yield Suspect(
            user=int(activity.users[row]),
            kind=_KINDS[kinds[row]],
            score=round(float(sum(min(one.strength[row], 10) for one in told.values())), 4),
            reasons=tuple(one.says(int(row)) for one in told.values()),
            evidence={name: round(float(one.values[row]), 4) for name, one in told.items()},
        )


def _signals(activity: Activity, false_alarms: float) -> dict[str, _Signal]:
    def beyond(values: Ints, least: float, words: str) -> _Signal:
        measured = values.astype(np.float64)
        limit = max(tails.threshold(measured, false_alarms), least)
        return _Signal(measured / limit, measured, words, limit)

    return {
        "rhythm": _rhythm(activity),
        "rate": beyond(
            activity.busiest_hour, _FEWEST_AN_HOUR,
            "{value:,.0f} events in the busiest hour, where {limit:,.0f} is already rare",
        ),
        "breadth": beyond(
            activity.products, _FEWEST_EVENTS,
            "{value:,.0f} different products, where {limit:,.0f} is already rare",
        ),
        "events": beyond(
            activity.events, _FEWEST_EVENTS,
            "{value:,.0f} events, where {limit:,.0f} is already rare",
        ),
        "repeats": beyond(
            activity.repeats, _FEWEST_REPEATS,
            "{value:,.0f} events with one product in a day, where {limit:,.0f} is already rare",
        ),
        "awake": _Signal(
            activity.awake / _AWAKE, activity.awake.astype(np.float64),
            "active in {value:.0f} different hours of one day", _AWAKE,
        ),
        "no_purchase": _no_purchase(activity),
    }  # fmt: skip


def _rhythm(activity: Activity) -> _Signal:
    strength = _REGULAR / np.maximum(np.nan_to_num(activity.rhythm, nan=np.inf), 0.01)
    words = "steps between events that vary by {value:.0%} only, as a program's"
    return _Signal(strength, activity.rhythm, words, _REGULAR)


def _no_purchase(activity: Activity) -> _Signal:
    """How surprising it is to have bought nothing, by how often others' events are purchases."""
    buyers = activity.purchases > 0
    # Of typical buyers, so that no bot's events make buying look rare.
    share = (
        float(np.median(activity.purchases[buyers] / activity.events[buyers]))
        if any(buyers)
        else 0.0
    )
    part = float(buyers.mean())
    # Some people never buy: half of what is usual is asked of them.
    surprise = -activity.events * np.log1p(-min(share * max(part, 0.1) / 2, 0.99))
    strength = np.where(buyers, 0.0, surprise / _NEVER_BUYS)
    words = "no purchase among {value:,.0f} events"
    return _Signal(strength, activity.events.astype(np.float64), words, _NEVER_BUYS)
