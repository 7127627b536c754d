"""How good the lists that go with a product are: what came next, and what was in one basket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.engine.config import BOUGHT as CONFIG
from recommender.engine.sources.substitutes import SubstituteSource
from recommender.models import Catalog, ProductNeighbor, Space
from recommender.ranking import metrics
from recommender.ranking.metrics import Accuracy
from recommender.ranking.ranker import Ranker
from recommender.ranking.related import CONTENT_ALONE, BoughtRanker, RelatedRanker
from recommender.ranking.table import concatenated
from recommender.snapshot.snapshot import Snapshot
from recommender.training import baskets, related
from recommender.training.fitting import Progress
from recommender.training.run import Past

_BOUGHT = str(ProductNeighbor.Kind.BOUGHT)
_MOST_BASKETS = 2_000
# What figures are told against.
CAME_NEXT, IN_ONE_BASKET, NO_SUBSTITUTES = (
    "came next",
    "in one basket",
    "the same, no substitutes",
)
# Of two products whose texts are nearer than that, one may stand in for the other.
SUBSTITUTES_FROM = 0.7


@dataclass(frozen=True, slots=True)
class RelatedFigures:
    """Means over lists of 20, of one way to make them, against one truth."""

    truth: str
    name: str
    lists: int
    ndcg: float
    recall: float
    hit_rate: float


class TooLittleError(ValueError):
    """There is too little history to measure by; the message says what is missing."""


def measure(catalog: Catalog, past: Past, progress: Progress) -> list[RelatedFigures]:
    """The blends of similar products by what came next, and the lists of baskets by baskets.

    All are learnt from what was before the held-out split, and judged by what was after it. Where
    hardly anything was bought together after it, there are no figures of baskets.

    Raises:
        TooLittleError: hardly anything came next.
    """
    split = next((one for one in past.plan.splits if one.is_held_out), None)
    if split is None:
        raise TooLittleError(past.plan.reason)
    then = past.as_of(split, progress)
    ahead = related.moments(past.now.interactions, then, split)
    if len(ahead) < metrics.MIN_USERS:
        raise TooLittleError(f"What {len(ahead)} users came to next is known.")
    blends = related.measure(then, ahead, progress)
    return [
        *(_figures(CAME_NEXT, str(blend), accuracy) for blend, accuracy in blends.items()),
        *_of_baskets(catalog, past.now, then, progress),
    ]


def _of_baskets(
    catalog: Catalog, now: Snapshot, then: Snapshot, progress: Progress
) -> Sequence[RelatedFigures]:
    progress("baskets")
    learnt = baskets.fit(baskets.read(catalog, then))
    seeds, partners = _held_out(baskets.read(catalog, now, since=then.clock), then)
    if len(seeds) < metrics.MIN_USERS:
        return ()
    content = tuple(space for space in then.spaces if space.kind != Space.Kind.BEHAVIOUR)
    then = replace(then, spaces=content, neighbours=learnt)
    with threadpool_limits(1):
        also = (SubstituteSource(content),)
        table = concatenated(list(related.tables(then, seeds, CONFIG, also)))
    rankers: Mapping[str, Ranker] = {
        "content alone": RelatedRanker(CONTENT_ALONE),
        "bought together": BoughtRanker(_BOUGHT, avoids_substitutes=False),
        "complements": BoughtRanker(_BOUGHT, avoids_substitutes=True),
    }
    rows = then.products.rows(table.products)
    owners = np.repeat(np.arange(len(seeds)), table.sizes)
    figures: list[RelatedFigures] = []
    truths = {IN_ONE_BASKET: partners, NO_SUBSTITUTES: _unlike(then, seeds, partners)}
    for truth, relevant in truths.items():
        is_hit = np.asarray(relevant[owners, rows]).ravel() > 0
        wanted = np.diff(relevant.indptr).astype(np.int64)
        told = wanted > 0
        for name, ranker in rankers.items():
            measured = related.accuracy(ranker, table, is_hit, np.maximum(wanted, 1))
            figures.append(_figures(truth, name, measured, told))
    return figures


def _held_out(held_out: csr_array, then: Snapshot) -> tuple[NDArray[np.int64], csr_array]:
    """Of each basket one product, drawn at random, and the others that are in stock."""
    held_out = csr_array(held_out.multiply(then.products.available.astype(np.float32)))
    held_out.eliminate_zeros()
    random = np.random.default_rng(0)
    large = np.flatnonzero(np.diff(held_out.indptr) > 1)
    chosen = np.sort(random.permutation(large)[:_MOST_BASKETS])
    partners = csr_array(held_out[chosen])
    seeds = np.array(
        [
            random.choice(partners.indices[start:end])
            for start, end in zip(partners.indptr, partners.indptr[1:], strict=False)
        ],
        dtype=np.int64,
    )
    partners.data[partners.indices == np.repeat(seeds, np.diff(partners.indptr))] = 0.0
    partners.eliminate_zeros()
    return seeds, partners


def _unlike(then: Snapshot, seeds: NDArray[np.int64], partners: csr_array) -> csr_array:
    """The partners whose content is not near to the seed's in any space."""
    kept = partners.copy()
    of_seeds = np.repeat(seeds, np.diff(kept.indptr))
    for space in then.spaces:
        near = np.einsum("ij,ij->i", space.vectors[of_seeds], space.vectors[kept.indices])
        kept.data[near >= SUBSTITUTES_FROM] = 0.0
    kept.eliminate_zeros()
    return kept


def _figures(
    truth: str, name: str, accuracy: Accuracy, told: NDArray[np.bool_] | None = None
) -> RelatedFigures:
    rows = np.ones(len(accuracy.ndcg), dtype=bool) if told is None else told
    means = (accuracy.ndcg[rows], accuracy.recall[rows], accuracy.hit_rate[rows])
    return RelatedFigures(truth, name, int(rows.sum()), *(float(one.mean()) for one in means))
