"""Made-up candidates whose order has a known reason."""

from collections.abc import Sequence

import numpy as np

from recommender.ranking import blend, table
from recommender.ranking.features import Examples, sample
from recommender.ranking.ranker import Ranker, top
from recommender.ranking.table import CandidateTable

LEARNT_KINDS = ("logistic", "lambdamart", "blend")


def table_of(sizes, scores=None, features=None) -> CandidateTable:
    """A table of given columns; products are numbered on."""
    given = {**(scores or {}), **(features or {})}
    names = table.columns(tuple(scores or ()), tuple(features or ()))
    values = [np.array(column, np.float32) for column in given.values()]
    return CandidateTable(
        sizes=np.array(sizes, dtype=np.int64),
        products=np.arange(sum(sizes), dtype=np.int64),
        columns=names,
        values=np.stack(values) if values else np.zeros((0, sum(sizes)), np.float32),
    )


def examples(requests=200, size=40, seed=0) -> Examples:
    """Users want what the behaviour channel likes and is new; the text channel is noise.

    A third of the candidates has no age; the price is the same for all.
    """
    random = np.random.default_rng(seed)
    count = requests * size
    liked = random.random(count)
    age = random.uniform(0, 100, count)
    chance = 3 * liked + 2 * (age < 30)
    wanted = np.zeros(count, dtype=np.int8)
    for start in range(0, count, size):
        best = start + np.argsort(-(chance + random.gumbel(0, 0.3, count))[start : start + size])
        wanted[best[:3]] = 1
    age[random.random(count) < 1 / 3] = np.nan
    made = table_of(
        [size] * requests,
        {
            "behaviour:als:long_term": liked * (liked > 0.2),
            "text:titles:last": random.random(count),
        },
        {
            "product:age": age,
            "product:price": np.full(count, 0.1),
            "user:events": np.repeat(random.integers(1, 50, requests), size),
        },
    )
    return Examples(made, wanted)


def hits(scores, made: Examples, places=3) -> float:
    """The share of what was wanted that is among the best places of its request."""
    rows = np.concatenate(top(scores, made.table.sizes, places))
    return float(made.labels[rows].sum() / made.labels.sum())


def learnt(kind: str, moments: Sequence[Examples]) -> Ranker:
    """A ranker of a kind, learnt from examples."""
    both = blend.fit(sample(moments))
    return {ranker.kind: ranker for ranker in (both, both.logistic, both.lambdamart)}[kind]
