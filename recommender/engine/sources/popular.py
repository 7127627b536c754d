"""The source of what is popular: everywhere, and in the categories of the user's taste."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from recommender.engine.candidates import Candidates, UserContext
from recommender.engine.config import CandidateConfig
from recommender.engine.scores import WINDOWS
from recommender.engine.sources.base import CandidateSource, Keys
from recommender.engine.store import CandidateStore


class PopularitySource(CandidateSource):
    """Products by how many users had them, over several windows.

    Scores and no features: a catalog grows, and what was much at one time is little at another.
    """

    is_personal: ClassVar[bool] = False
    columns = tuple(f"popular:{window}" for window in WINDOWS)

    def __init__(self, config: CandidateConfig) -> None:
        self._config = config

    def propose(self, context: UserContext, n: int) -> Sequence[Keys]:
        popularity, excluded = context.popularity, len(context.excluded)
        lists = [
            context.allowed(popularity.best(window, n + excluded), n)
            for window in self._config.windows
        ]
        in_category = self._config.proposals_in_category
        categories = popularity.heaviest_categories(context.own, self._config.categories)
        return lists + [
            context.allowed(popularity.best_in(category, in_category + excluded), in_category)
            for category in categories
        ]

    def score(self, candidates: Candidates) -> None:
        for column, window in zip(self.columns, WINDOWS, strict=True):
            candidates.table[column] = np.log1p(candidates.popularity.users[window])


def sources(store: CandidateStore) -> Sequence[CandidateSource]:
    """One, of all windows."""
    return [PopularitySource(store.config)]
