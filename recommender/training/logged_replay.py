"""What each kind of ranker would have earned of the answers that were logged after a split.

The lists of a kind are those of the split's time, as for its NDCG; the answers are those that the
same users were given afterwards. It decides nothing
([decision 92](../../docs/decisions/0092-off-policy.md)).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.effect import off_policy
from recommender.effect.logged_answers import LoggedAnswers
from recommender.effect.off_policy import Estimate, Listed, Log
from recommender.ranking.ranker import top
from recommender.training.training_examples import SplitExamples

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedReplay:
    """The estimate of each kind, and what there is to say of them."""

    text: str
    estimates: Mapping[str, Estimate] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """As JSON has them, by kind; those of which there is an estimate."""
        return {
            kind: {
                "clicks_per_1000": asdict(found.doubly_robust),
                **({"snips_per_1000": asdict(found.snips)} if found.snips else {}),
                "support": round(found.support, 3),
            }
            for kind, found in self.estimates.items()
            if found.doubly_robust is not None
        }


def replay(
    examples: SplitExamples, scores: Mapping[str, Floats], logged: LoggedAnswers
) -> LoggedReplay:
    """Judge kinds of rankers by what was logged of a split's users.

    Args:
        scores: of the split's candidates by kind, shape (candidates,).
    """
    since = f"{logged.since:%Y-%m-%d}"
    requests, there = arrays.sorted_places(examples.users, logged.users)
    if not there.any():
        return LoggedReplay(
            text=f"Nothing is told off-policy: the log has no list for these users since {since}."
        )
    candidates = _Candidates(examples, logged, np.column_stack(list(scores.values())))
    log = candidates.log(logged, requests, there)
    estimates = {
        kind: off_policy.estimate(log, candidates.proposed(log.listed, of_kind))
        for kind, of_kind in scores.items()
    }
    return LoggedReplay(text=_text(estimates, since), estimates=estimates)


class _Candidates:
    """A split's candidates, found by request and product."""

    def __init__(self, examples: SplitExamples, logged: LoggedAnswers, known: Floats) -> None:
        """What is known of candidates has the shape (candidates, known)."""
        table = examples.table
        self._sizes, self._known = table.sizes, known
        self._keys = np.unique(np.concatenate([table.products, logged.products]))
        self._products = np.searchsorted(self._keys, table.products)
        pairs = self._pairs(np.repeat(np.arange(len(table.sizes)), table.sizes), table.products)
        self._order = np.argsort(pairs, kind="stable")
        self._ordered = pairs[self._order]

    def _pairs(self, requests: Rows, products: Rows) -> Rows:
        found: Rows = requests * len(self._keys) + np.searchsorted(self._keys, products)
        return found

    def log(self, logged: LoggedAnswers, requests: Rows, there: NDArray[np.bool_]) -> Log:
        """The items that are logged of the split's users, who are their requests."""
        owners, products = requests[there], logged.products[there]
        places, is_candidate = arrays.sorted_places(self._ordered, self._pairs(owners, products))
        known = np.full((len(owners), self._known.shape[1]), np.nan)
        known[is_candidate] = self._known[self._order[places[is_candidate]]]
        listed = Listed(
            users=owners,
            answers=logged.answers[there],
            products=np.searchsorted(self._keys, products),
            places=logged.places[there],
            known=known,
        )
        return Log(
            listed=listed, propensities=logged.propensities[there], clicks=logged.clicks[there]
        )

    def proposed(self, listed: Listed, scores: Floats) -> Listed:
        """For each logged answer the best of its user's candidates, as many as it has places."""
        answers, first = np.unique(listed.answers, return_index=True)
        users = listed.users[first]
        longest = np.zeros(len(answers), dtype=np.int64)
        np.maximum.at(longest, np.searchsorted(answers, listed.answers), listed.places + 1)
        best = top(scores, self._sizes, int(longest.max()))
        lists = [best[user][:length] for user, length in zip(users, longest, strict=True)]
        lengths = [len(rows) for rows in lists]
        rows = np.concatenate(lists)
        return Listed(
            users=np.repeat(users, lengths),
            answers=np.repeat(answers, lengths),
            products=self._products[rows],
            places=np.concatenate([np.arange(length) for length in lengths]),
            known=self._known[rows],
        )


def _text(estimates: Mapping[str, Estimate], since: str) -> str:
    """What they say, in sentences."""
    one = next(iter(estimates.values()))
    told = [_sentence(kind, found) for kind, found in estimates.items()]
    return (
        f"Off-policy, by {one.answers:,} lists that {one.users:,} of them were given since {since} "
        f"and that had {one.observed:.1f} clicks for 1,000 items: {'; '.join(told)}."
    )


def _sentence(kind: str, found: Estimate) -> str:
    if found.doubly_robust is None:
        return f"{kind} has no figure ({found.reason})"
    interval = found.doubly_robust
    return (
        f"{kind} {interval.mean:.1f} ({interval.low:.1f} to {interval.high:.1f} with 90 % "
        f"confidence; the log tells of {found.support:.0%} of its items)"
    )
