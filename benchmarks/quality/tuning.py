"""Choosing a baseline's settings on a part of what is known, and measuring it on the set."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.console import Say
from benchmarks.quality.dataset import Dataset
from benchmarks.quality.measuring import LONGEST, Measured, hits_of, measure, per_user
from benchmarks.quality.methods import Method, Settings
from recommender.insight.baselines import Eligible, Scorer, top_lists

# With more the choice would hardly be surer.
_MOST_JUDGES = 5_000
_SEED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A baseline as it was measured.

    Attributes:
        tried: how many settings were fitted for the choice.
        processor_seconds: of the last fit, with its lists; `tuning_seconds`: of the choice.
    """

    settings: Settings
    tried: int
    measured: Measured
    processor_seconds: float
    tuning_seconds: float


def tuned(method: Method, dataset: Dataset, say: Say) -> Tuned:
    """Choose the settings by NDCG@20 on the set's validation, then fit to all that is known.

    Raises:
        BaselineError: the method cannot be fitted to the set.
        PrepareError: the set is too small to choose settings on.
    """
    started = time.process_time()
    settings, tried = _chosen(method, dataset, say) if method.grid else ({}, 0)
    chosen = time.process_time()
    say(f"{dataset.name}: {method.name}")
    lists = top_lists(method.learn(dataset)(settings), dataset.tested, LONGEST, eligible(dataset))
    fitted = time.process_time()
    return Tuned(
        settings=settings,
        tried=tried,
        measured=measure(lists, dataset),
        processor_seconds=fitted - chosen,
        tuning_seconds=chosen - started,
    )


def _chosen(method: Method, dataset: Dataset, say: Say) -> tuple[Settings, int]:
    """The best settings on the set's validation, and how many were tried."""
    inner = dataset.validation
    if method.most_tuned is not None:
        inner = inner.of_most_popular(method.most_tuned)
    fit = method.learn(inner)
    scores: dict[tuple[float, ...], float] = {}

    def judged(settings: Settings) -> float:
        key = tuple(settings.values())
        if key not in scores:
            scores[key] = ndcg(fit(settings), inner)
            say(f"{dataset.name}: {method.name}, {described(settings)}: {scores[key]:.4f}")
        return scores[key]

    return climbed(method, judged), len(scores)


def climbed(method: Method, judge: Callable[[Settings], float]) -> Settings:
    """The settings that coordinate ascent ends at, from the middle of the grid.

    One setting after the other goes on to its neighbour in the grid while that is better; once
    more over all where one has moved.
    """
    at = {name: (len(values) - 1) // 2 for name, values in method.grid.items()}

    def settings(places: dict[str, int]) -> Settings:
        return {name: method.grid[name][place] for name, place in places.items()}

    for _ in range(2):
        before = dict(at)
        for name, values in method.grid.items():
            for step in (1, -1):
                while 0 <= at[name] + step < len(values):
                    moved = at | {name: at[name] + step}
                    if judge(settings(moved)) <= judge(settings(at)):
                        break
                    at = moved
        if at == before:
            break
    return settings(at)


def ndcg(scorer: Scorer, validation: Dataset) -> float:
    """The mean NDCG@20 of a method on a validation set, of up to 5,000 of its users."""
    users = validation.tested
    if len(users) > _MOST_JUDGES:
        chosen = np.random.default_rng(_SEED).choice(len(users), _MOST_JUDGES, replace=False)
        users = users[np.sort(chosen)]
    lists = top_lists(scorer, users, LONGEST, eligible(validation))
    n_wanted = np.diff(validation.wanted.indptr)[users]
    hits = hits_of(lists, validation, users)
    return float(per_user(hits, n_wanted, is_capped=True)["ndcg"].mean())


def eligible(dataset: Dataset) -> Eligible:
    """All products may be listed; those a user had only where the set repeats."""
    everything = np.ones(len(dataset.products), bool)
    return Eligible(listable=everything, seen=None if dataset.repeats else dataset.matrix)


def described(settings: Settings) -> str:
    """Settings for people: `factors 256, reg 10`."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items())
