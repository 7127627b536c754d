"""What a ranker learns from: candidates as they stood at past moments, and what users then did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.engine.candidates import Candidates
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.models import Mode
from recommender.ranking import table
from recommender.ranking.table import CandidateTable
from recommender.snapshot.snapshot import Snapshot
from recommender.training.fitting import Progress, counted, silent
from recommender.training.splits import Split

# More users a split cost time and memory and improve little.
_MOST_USERS = 2_000
# The length of list that a ranker is learnt and selected for.
K = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitExamples:
    """The candidates of a split's users, and which of them became relevant."""

    users: NDArray[np.int64]  # keys, ascending, one a request of the table
    table: CandidateTable
    labels: NDArray[np.int8]  # what a ranker may learn from, shape (candidates,)
    relevant: NDArray[np.int8]  # all that followed, shape (candidates,)
    n_relevant: NDArray[np.int64]  # relevant products, candidates or not; shape (users,)
    is_held_out: bool


def of_split(
    snapshot: Snapshot,
    split: Split,
    mode: str,
    progress: Progress = silent,
    text: str = "replaying users",
) -> SplitExamples:
    """A split's examples for one mode; the snapshot is of its time and of what was known then.

    Args:
        text: what progress calls it.
    """
    relevant = new_only(split.relevant, snapshot) if mode == Mode.NEW else split.relevant
    labels = new_only(split.labels, snapshot) if mode == Mode.NEW else split.labels
    users = evaluable_users(relevant, snapshot, _MOST_USERS)
    # The matrices are small: waking a second thread takes longer than it saves.
    with threadpool_limits(1):
        replayed = candidates_of(snapshot, users, mode, count=K)
        tables = [candidates.table for candidates in counted(replayed, text, len(users), progress)]
    rows = [snapshot.products.rows(candidate_table.products) for candidate_table in tables]
    return SplitExamples(
        users=snapshot.users[users],
        table=table.concatenated(tables),
        labels=_labels(labels, users, rows),
        relevant=_labels(relevant, users, rows),
        n_relevant=np.diff(relevant.indptr)[users].astype(np.int64),
        is_held_out=split.is_held_out,
    )


def candidates_of(
    snapshot: Snapshot, users: NDArray[np.int64], mode: str, *, count: int
) -> Iterator[Candidates]:
    """The candidates of lists of this mode and length, by the road that serves.

    Args:
        users: rows of the snapshot.
    """
    store = SnapshotStore(snapshot, snapshot.products.available, lists_own=mode == Mode.ALL)
    pipeline = Pipeline(store, count)
    snapshot_users = [
        SnapshotUser(int(user), excluded(snapshot, int(user), mode)) for user in users
    ]
    return map(pipeline.candidates, store.contexts(snapshot_users))


def excluded(snapshot: Snapshot, user: int, mode: str) -> NDArray[np.int64]:
    """The product rows that a list of this mode leaves out: in mode new whatever the user had."""
    if mode != Mode.NEW or user < 0:
        return np.zeros(0, dtype=np.int64)
    events = snapshot.events_of(user, len(snapshot.interactions))
    return np.unique(snapshot.interactions.products[events]).astype(np.int64)


def new_only(relevant: csr_array, snapshot: Snapshot) -> csr_array:
    """The relevant products that their user did not have as of the snapshot."""
    had = snapshot.interactions.binary()
    new = csr_array(relevant - relevant.multiply(had))
    new.eliminate_zeros()
    new.sort_indices()
    return new


def evaluable_users(relevant: csr_array, snapshot: Snapshot, limit: int) -> NDArray[np.int64]:
    """The users with relevant products and a history to predict them from; of many, a sample."""
    has_history = np.zeros(relevant.shape[0], dtype=bool)
    has_history[snapshot.interactions.positive().users] = True
    users = np.flatnonzero((np.diff(relevant.indptr) > 0) & has_history)
    if len(users) > limit:
        chosen = np.random.default_rng(0).choice(len(users), limit, replace=False)
        users = users[np.sort(chosen)]
    return users.astype(np.int64)


def _labels(
    relevant: csr_array, users: NDArray[np.int64], rows: Sequence[NDArray[np.int64]]
) -> NDArray[np.int8]:
    of_users = [np.zeros(0, dtype=np.int8)]
    for user, candidates in zip(users, rows, strict=True):
        of_user = relevant.indices[relevant.indptr[user] : relevant.indptr[user + 1]]
        of_users.append(np.isin(candidates, of_user).astype(np.int8))
    return np.concatenate(of_users)
