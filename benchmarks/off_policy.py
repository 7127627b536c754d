"""A simulated shop that tells whether off-policy estimates can be trusted.

`python -m benchmarks.off_policy`: shoppers with tastes see lists of ten, of which one or two places
explore new products by the engine's own Thompson sampling. They look at places less the further
down they are, and click by taste. From what was logged it is told what another rank would have
earned, and how often the interval of 90 % holds what it really earns. The other rank is nearer to
the logged one or further from it; and the model of clicks knows the scores of both ranks, or of the
new one alone.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.effect import off_policy
from recommender.effect.click_model import Floats
from recommender.effect.off_policy import Estimate, Listed, Log, Rows
from recommender.engine import rerank
from recommender.engine.rerank import Exploration
from recommender.engine.rules import RuleColumns, Rules
from recommender.ranking.metrics import Interval

_PRODUCTS, _NEW, _TASTES, _COUNT = 120, 20, 6, 10
# Of places: 1 / place to this power (Joachims, Swaminathan & Schnabel 2017: about 1 in search).
_DECAY = 0.6
# Log-odds of a click on what is looked at, and how much taste does; how unlike users are.
_INTERCEPT, _SLOPE, _APPETITE = -3.0, 1.2, 2.0
_MOST_ANSWERS = 3
# Of what the logged rank knows of a product's fit, beside the fit; new ones it hardly knows.
_LOGGED_NOISE, _UNKNOWN = 1.0, 3.0
_POPULATION = 20_000


@dataclass(frozen=True, slots=True)
class Case:
    """Another rank: how noisy its own evidence is, and whether it has the logged rank's, too."""

    name: str
    noise: float
    adds: bool = True
    exploration: float = 0.2  # share of the logged lists' places


CASES = (
    Case("close", 20.0, exploration=0.1),
    Case("near", 1.5),
    Case("far", 0.6),
    Case("unlike", 0.8, adds=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What runs came to: of how many the interval held the truth, and how wide it was."""

    truth: float
    support: float
    told: float  # share of runs with a doubly robust figure
    snips: "Coverage"  # of those that have it
    doubly_robust: "Coverage"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the runs with a figure."""

    covered: float
    width: float
    bias: float  # mean figure less the truth


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """What is so of some users: shape (users, products)."""

    attraction: Floats
    logged: Floats  # scores
    other: Floats


class Shop:
    """Products with tastes, the same in every run."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rules = Rules(exploration=case.exploration)
        rng = np.random.default_rng(1)
        self._tastes = rng.normal(size=(_PRODUCTS, _TASTES)) / np.sqrt(_TASTES)
        self._shown = rng.integers(5, 60, _NEW).astype(np.float64)
        self._chosen = rng.binomial(self._shown.astype(int), 0.08).astype(np.float64)
        self._examination = np.arange(1, _COUNT + 1) ** -_DECAY

    def visit(self, rng: np.random.Generator, users: int) -> _Visit:
        """Users as they come."""
        affinity = rng.normal(size=(users, _TASTES)) @ self._tastes.T
        appetite = rng.gamma(_APPETITE, 1 / _APPETITE, (users, 1))
        attraction = np.minimum(1, appetite / (1 + np.exp(-_INTERCEPT - _SLOPE * affinity)))
        # A score is what its evidence lets expect of the user's taste, as learnt ranks have it.
        spread = affinity.var(axis=1, keepdims=True)
        noise = np.full((1, _PRODUCTS), _LOGGED_NOISE)
        noise[:, :_NEW] = _UNKNOWN
        before = affinity + noise * rng.normal(size=affinity.shape)
        added = affinity + self._case.noise * rng.normal(size=affinity.shape)
        logged = _expected(spread, (before, noise))
        own = (added, np.full((1, _PRODUCTS), self._case.noise))
        other = (
            _expected(spread, own, (before, noise)) if self._case.adds else _expected(spread, own)
        )
        return _Visit(attraction, logged, other)

    def truth(self) -> float:
        """What the other rank earns, in clicks for 1,000 items."""
        visit = self.visit(np.random.default_rng(2), _POPULATION)
        listed = _best(visit.other)
        clicks = np.take_along_axis(visit.attraction, listed, 1) * self._examination
        return 1000 * float(clicks.mean())

    def logged(self, rng: np.random.Generator, users: int, knows_both: bool) -> tuple[Log, Listed]:
        """What was logged of so many users, and the other rank's lists for them."""
        visit = self.visit(rng, users)
        known = np.stack([visit.other, visit.logged] if knows_both else [visit.other], axis=2)
        best = _best(visit.other)
        owners = np.repeat(np.arange(users), rng.integers(1, _MOST_ANSWERS + 1, users))
        answers = [self._answer(rng, visit.logged[user]) for user in owners]
        shown = _listed(owners, np.array([rows for rows, _ in answers]), known)
        probability = visit.attraction[shown.users, shown.products]
        clicks = rng.random(len(probability)) < probability * self._examination[shown.places]
        propensities = np.concatenate([propensity for _, propensity in answers])
        return Log(
            listed=shown, propensities=propensities, clicks=clicks.astype(np.float64)
        ), _listed(owners, best[owners], known)

    def _answer(self, rng: np.random.Generator, scores: Floats) -> tuple[Rows, Floats]:
        """What the engine lists, and how likely it was to."""
        exploration = Exploration(
            rows=np.arange(_NEW), shown=self._shown, chosen=self._chosen, rng=rng
        )
        made = rerank.rerank(scores, _COUNT, self._rules, _COLUMNS, exploration=exploration)
        chances = [
            moved.propensity if (moved := made.of(row)).propensity is not None else 1.0
            for row in made.rows.tolist()
        ]
        return made.rows, np.array(chances, dtype=np.float64)


_COLUMNS = RuleColumns(
    keys=np.arange(_PRODUCTS),
    boosted=(),
    distances=(),
    numbers={},
    promoted=np.zeros(_PRODUCTS, dtype=bool),
    groups=(),
    likeness=None,
    freshness=np.ones(_PRODUCTS),
)


def _expected(spread: Floats, *evidence: tuple[Floats, Floats]) -> Floats:
    """The mean of what a normal prior and noisy observations, each with its noise, leave."""
    precisions = [1 / noise**2 for _, noise in evidence]
    told = sum(seen * precision for (seen, _), precision in zip(evidence, precisions, strict=True))
    expected: Floats = told / (1 / spread + sum(precisions))
    return expected


def _best(scores: Floats) -> Rows:
    return np.argsort(-scores, axis=1, kind="stable")[:, :_COUNT].astype(np.int64)


def _listed(owners: Rows, lists: Rows, known: Floats) -> Listed:
    users, products = np.repeat(owners, _COUNT), lists.ravel()
    return Listed(
        users=users,
        answers=np.repeat(np.arange(len(owners)), _COUNT),
        products=products,
        places=np.tile(np.arange(_COUNT), len(owners)),
        known=known[users, products],
    )


def simulate(case: Case, runs: int, users: int, *, knows_both: bool = True) -> Outcome:
    """Tell of the case's rank from so many logs of so many users each.

    Args:
        knows_both: whether the model of clicks knows the logged rank's score of every product.
    """
    shop = Shop(case)
    truth = shop.truth()
    found = list(_estimates(shop, runs, users, knows_both))
    told = [one for one in found if one.reason is None]
    return Outcome(
        truth=truth,
        support=float(np.mean([one.support for one in found])),
        told=len(told) / runs,
        snips=_coverage([one.snips for one in told], truth),
        doubly_robust=_coverage([one.doubly_robust for one in told], truth),
    )


def _estimates(shop: Shop, runs: int, users: int, knows_both: bool) -> Iterator[Estimate]:
    for seed in range(runs):
        yield off_policy.estimate(
            *shop.logged(np.random.default_rng([seed, users]), users, knows_both)
        )


def _coverage(intervals: Sequence[Interval | None], truth: float) -> Coverage:
    there = [each for each in intervals if each is not None]
    if not there:
        return Coverage(np.nan, np.nan, np.nan)
    return Coverage(
        covered=float(np.mean([each.low <= truth <= each.high for each in there])),
        width=float(np.mean([each.high - each.low for each in there])),
        bias=float(np.mean([each.mean for each in there])) - truth,
    )


def main() -> None:
    """Simulate and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--users", type=int, default=500)
    options = parser.parse_args()
    print(f"{options.runs} logs of {options.users:,} users, clicks for 1,000 items")
    for knows_both in (True, False):
        print("the model knows both ranks' scores" if knows_both else "it knows the new rank's")
        for case in CASES:
            done = simulate(case, options.runs, options.users, knows_both=knows_both)
            print(
                f"  {case.name}: truth {done.truth:.1f}, support {done.support:.0%}, "
                f"figures in {done.told:.0%}; {_words('SNIPS', done.snips)}; "
                f"{_words('DR', done.doubly_robust)}"
            )


def _words(name: str, found: Coverage) -> str:
    return f"{name} covers {found.covered:.1%}, width {found.width:.1f}, bias {found.bias:+.1f}"


if __name__ == "__main__":
    main()
