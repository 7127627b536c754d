"""The step that chooses how similar products are blended, by what users came to next.

A moment is a product that a user had, and what they came to next. Each blend lists products like
the one, by the code that serves, and should list the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.behaviour.interactions import Interactions
from recommender.engine.config import RELATED, CandidateConfig
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.engine.sources.base import CandidateSource
from recommender.models import Catalog
from recommender.ranking import metrics
from recommender.ranking.metrics import Accuracy, Interval
from recommender.ranking.ranker import Ranker, top
from recommender.ranking.related import CONTENT_ALONE, Blend, RelatedRanker
from recommender.ranking.table import CandidateTable, concatenated
from recommender.snapshot.snapshot import Snapshot
from recommender.training.fitting import DONE, SKIPPED, Outcome, Progress, counted
from recommender.training.model_selection import steadiest
from recommender.training.splits import Split
from recommender.training.training_examples import K

_MOST_MOMENTS = 2_000
# Content counts in all of them: it is all that there is of a product without history. The
# steadiest come first, which lean on content most.
BLENDS = (
    CONTENT_ALONE,
    Blend(content=1.0, behaviour=0.5),
    Blend(content=1.0, cooccurrence=0.5),
    Blend(content=1.0, behaviour=0.5, cooccurrence=0.5),
    Blend(content=0.5, behaviour=1.0, cooccurrence=0.5),
    Blend(content=0.5, behaviour=0.5, cooccurrence=1.0),
    Blend(content=0.25, behaviour=0.5, cooccurrence=1.0),
    Blend(content=0.1, behaviour=0.2, cooccurrence=1.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Products that users had, and the products that they came to next."""

    seeds: NDArray[np.int64]  # rows of products, shape (moments,)
    relevant: csr_array  # moments × products, 1 for what came next

    def __len__(self) -> int:
        return len(self.seeds)


def train(catalog: Catalog, then: Snapshot, ahead: Moments, progress: Progress) -> Outcome:
    """Choose the blend by moments that it was not learnt from, and have it serve.

    Args:
        then: the catalog before the moments, with all that its history teaches.
    """
    if len(ahead) < metrics.MIN_USERS:
        _store(catalog, CONTENT_ALONE)
        text = (
            f"What {len(ahead)} users came to next is known, at least {metrics.MIN_USERS} are "
            "needed: similar products go by content alone."
        )
        return Outcome(outcome=SKIPPED, text=text)
    measured = measure(then, ahead, progress)
    ndcg = {blend: of_blend.ndcg for blend, of_blend in measured.items()}
    blend, lead = choose(ndcg)
    _store(catalog, blend)
    return Outcome(
        outcome=DONE, text=_reason(blend, ndcg, lead), figures=_figures(measured, len(ahead))
    )


def moments(interactions: Interactions, then: Snapshot, split: Split) -> Moments:
    """Of each user with a history as of a split: their last product, and what came next.

    Next is all that came at the first time after it, as products of one basket do.
    """
    relevant = _next(interactions, split)
    positive = split.known.positive()
    last = np.full(relevant.shape[0], -1, dtype=np.int64)
    last[positive.users] = positive.products  # in the order of time
    # What is not in stock can neither be asked for nor be listed.
    users = np.flatnonzero((last >= 0) & (np.diff(relevant.indptr) > 0))
    rows = csr_array(relevant[users])
    is_other = rows.indices != np.repeat(last[users], np.diff(rows.indptr))
    rows.data = (is_other & then.products.available[rows.indices]).astype(np.float32)
    rows.eliminate_zeros()
    told = np.flatnonzero(np.diff(rows.indptr) > 0)
    if len(told) > _MOST_MOMENTS:
        told = np.sort(np.random.default_rng(0).choice(told, _MOST_MOMENTS, replace=False))
    return Moments(seeds=last[users[told]], relevant=csr_array(rows[told]))


def _next(interactions: Interactions, split: Split) -> csr_array:
    """Users × products: the first that followed; by last events, all that were taken out."""
    later = interactions.where(interactions.times >= split.clock).positive()
    if not len(later):
        return split.relevant
    first = np.full(interactions.n_users, np.inf)
    np.minimum.at(first, later.users, later.times)
    return later.where(later.times == first[later.users]).binary()


def measure(then: Snapshot, ahead: Moments, progress: Progress) -> dict[Blend, Accuracy]:
    """How well each blend lists what came next, shape (moments,) each."""
    with threadpool_limits(1):
        replayed = tables(then, ahead.seeds, RELATED)
        all_tables = list(counted(replayed, "similar products", len(ahead), progress))
    table = concatenated(all_tables)
    rows = then.products.rows(table.products)
    owners = np.repeat(np.arange(len(ahead)), table.sizes)
    is_hit = np.asarray(ahead.relevant[owners, rows]).ravel() > 0
    n_relevant = np.diff(ahead.relevant.indptr).astype(np.int64)
    return {blend: accuracy(RelatedRanker(blend), table, is_hit, n_relevant) for blend in BLENDS}


def tables(
    then: Snapshot,
    seeds: NDArray[np.int64],
    config: CandidateConfig,
    also: tuple[CandidateSource, ...] = (),
) -> Iterator[CandidateTable]:
    """The candidates for each seed, a row of the products: of somebody who had nothing else."""
    n = len(seeds)
    somebody = replace(
        then,
        users=np.arange(n, dtype=np.int64),
        interactions=Interactions(
            users=np.arange(n, dtype=np.int32),
            products=seeds.astype(np.int32),
            weights=np.ones(n, dtype=np.float32),
            times=np.full(n, then.clock - 1.0),
            n_users=n,
            n_products=len(then.products),
        ),
    )
    store = SnapshotStore(somebody, then.products.available, lists_own=False, config=config)
    pipeline = Pipeline(store, K, also=also)
    users = [SnapshotUser(row, seeds[row : row + 1]) for row in range(n)]
    return (pipeline.candidates(context).table for context in store.contexts(users))


def accuracy(
    ranker: Ranker,
    table: CandidateTable,
    is_hit: NDArray[np.bool_],
    n_relevant: NDArray[np.int64],
) -> Accuracy:
    """How well a ranker lists what is relevant, shape (requests of the table,)."""
    best = top(ranker.score(table), table.sizes, K)
    hits = np.zeros((len(best), K), dtype=bool)
    for request, rows in enumerate(best):
        hits[request, : len(rows)] = is_hit[rows]
    return metrics.accuracy(hits, n_relevant)


def choose(ndcg: Mapping[Blend, NDArray[np.float64]]) -> tuple[Blend, Interval]:
    """The steadiest of the best, and its lead over content alone; that one, unless it is sure.

    A lead is sure where its 95 % interval, over the moments, is above 0.
    """
    best = steadiest(ndcg, list(ndcg))
    lead = metrics.interval(ndcg[best] - ndcg[CONTENT_ALONE])
    return (best if lead.low > 0 else CONTENT_ALONE), lead


def _store(catalog: Catalog, blend: Blend) -> None:
    catalog.similar_blend = {} if blend.is_content_alone else dict(blend.weights)
    catalog.save(update_fields=["similar_blend"])


def _reason(blend: Blend, ndcg: Mapping[Blend, NDArray[np.float64]], lead: Interval) -> str:
    content = float(ndcg[CONTENT_ALONE].mean())
    told = f"of what {len(ndcg[CONTENT_ALONE]):,} users came to next, content alone lists NDCG@{K}"
    if blend.is_content_alone:
        return (
            f"Similar products go by content alone: {told} {content:.4f}, and no blend is better "
            f"beyond noise (the best: {lead.mean:+.4f}, {lead.low:+.4f} to {lead.high:+.4f})."
        )
    return (
        f"Similar products are a blend of {blend}: {told} {content:.4f}, the blend "
        f"{float(ndcg[blend].mean()):.4f}."
    )


def _figures(measured: Mapping[Blend, Accuracy], n: int) -> dict[str, object]:
    blends = {
        str(blend): {
            "ndcg": float(of_blend.ndcg.mean()),
            "recall": float(of_blend.recall.mean()),
        }
        for blend, of_blend in measured.items()
    }
    return {"moments": n, "k": K, "blends": blends}
