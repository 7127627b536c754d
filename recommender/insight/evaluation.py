"""How well a catalog is recommended: its history replayed, every method measured alike.

The code that serves makes the lists. It is given a past time and learns from what had happened
before it and from nothing else; what users did afterwards is what the lists should hold.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from recommender.behaviour.interactions import SECONDS_A_DAY
from recommender.engine import rerank
from recommender.engine.batch import Recommender
from recommender.engine.candidates import Candidates
from recommender.insight import baselines, measurement
from recommender.insight.baselines import BaselineError, Eligible, Scorer, fusion, top_lists
from recommender.insight.evaluation_result import Evaluation, MethodResult
from recommender.insight.measurement import TestSet
from recommender.models import Catalog, Mode
from recommender.ranking import metrics
from recommender.ranking.ranker import Ranker
from recommender.snapshot import snapshot
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting, run, splits, training_examples
from recommender.training.backtest import fit_recommender
from recommender.training.behaviour import snapshot_as_of
from recommender.training.fitting import Progress, counted
from recommender.training.splits import LAST, Split

Fit = Callable[[], Scorer]


def measured(
    then: Snapshot,
    users: NDArray[np.int64],
    test: TestSet,
    *,
    mode: str,
    progress: Progress,
) -> list[MethodResult]:
    """Each baseline fitted to the snapshot's history; one that cannot be fitted says why."""
    binary = then.interactions.positive().binary()
    seen = binary if mode == Mode.NEW else None
    eligible = Eligible(listable=test.listable, seen=seen)
    results = []
    for name, fit in _fits(then, eligible, mode).items():
        progress(f"baseline {name}")
        started = time.monotonic()
        try:
            lists = top_lists(fit(), users, test.k, eligible)
        except BaselineError as exc:
            results.append(MethodResult(name=name, kind="baseline", metrics={}, note=str(exc)))
            continue
        seconds = time.monotonic() - started
        results.append(measurement.measure(name, "baseline", lists, test, seconds=seconds))
    return results


def _fits(then: Snapshot, eligible: Eligible, mode: str) -> dict[str, Fit]:
    binary = then.interactions.positive().binary()
    aged = then.interactions.decayed(then.half_life_days, then.clock)
    month = then.popularity["month"].astype(np.float64)
    content = fitting.content_space(then)
    fits: dict[str, Fit] = {
        "popular, all time": lambda: baselines.popular(then.popularity["all"].astype(np.float64)),
        "popular, 30 days": lambda: baselines.popular(month),
        "item-kNN": lambda: baselines.item_knn(binary),
        "EASE": lambda: baselines.ease(binary),
        "ALS (implicit)": lambda: baselines.als(binary),
        "BPR (implicit)": lambda: baselines.bpr(binary),
    }
    voices: list[Fit] = [fits["EASE"]]
    if content is not None:
        vectors = content.vectors
        fits["mean profile"] = lambda: baselines.mean_profile(aged, vectors)
        if mode == Mode.NEW:
            voices.append(fits["mean profile"])
    if mode == Mode.NEW:
        voices.append(fits["popular, 30 days"])
    else:
        fits["repeat"] = lambda: baselines.repeat(aged)
        voices.append(fits["repeat"])
    fits["fusion"] = lambda: fusion([voice() for voice in voices], eligible)
    return fits


class EvaluationError(Exception):
    """A catalog cannot be evaluated as asked; the message says why, and what is needed."""


Rows = NDArray[np.int64]

# With more users the intervals are narrow already.
_MOST_USERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """A past time, the users who are tested, and what was relevant to them."""

    then: Snapshot
    scheme: str
    users: Rows  # rows of the snapshot
    relevant: tuple[Rows, ...]  # product rows


def evaluate(
    catalog: Catalog,
    *,
    split: datetime | Literal["last"] | None,
    k: int = 20,
    mode: str = Mode.NEW,
    baselines: bool = False,
    progress: Progress,
) -> Evaluation:
    """Replay a catalog's history and measure every channel, the rank, and the baselines.

    Args:
        split: the time that history is cut at; "last" for each user's last event; None for what
            the history suggests.
        k: how long the lists are.
        baselines: whether the published methods are measured, too.

    Raises:
        EvaluationError: there is too little history on one side of the split.
    """
    progress("reading history")
    now = run.present(catalog)
    replay = _replay(now, split, mode)
    started = time.monotonic()
    source = fit_recommender(catalog, replay.then, mode, progress, _learning(split))
    learning = time.monotonic() - started
    test = _test_set(source.snapshot, replay, k)
    started = time.monotonic()
    with threadpool_limits(1):  # small matrices: see training_examples
        lists = _lists(source, replay, k, mode, progress)
    seconds = learning + time.monotonic() - started
    name = source.ranker.kind
    methods = [measurement.measure(name, "ranker", lists.pop(_RANKED), test, seconds=seconds)]
    for column, column_lists in lists.items():
        progress(f"measuring {column}")
        methods.append(measurement.measure(column, "channel", column_lists, test))
    if baselines:
        methods += measured(source.snapshot, replay.users, test, mode=mode, progress=progress)
    return Evaluation(
        catalog=catalog.name,
        mode="new" if mode == Mode.NEW else "all",
        k=k,
        split=_in_words(replay),
        cut_off=None if replay.scheme == LAST else _time(replay.then.clock),
        users=len(replay.users),
        products=int(source.snapshot.products.available.sum()),
        methods=tuple(methods),
        made_at=timezone.now(),
        command=_command(catalog, split, k, mode, baselines=baselines),
        notes=(),
    )


_RANKED = "ranked"


def _replay(now: Snapshot, split: datetime | Literal["last"] | None, mode: str) -> _Replay:
    cut = _split(now, split)
    relevant, users = _testable(now, cut, mode)
    if len(users) < metrics.MIN_USERS:
        raise _too_few(now, cut, len(users), mode)
    of_users = tuple(
        relevant.indices[relevant.indptr[user] : relevant.indptr[user + 1]].astype(np.int64)
        for user in users
    )
    scheme = LAST if _is_last(now, split) else splits.WINDOWS
    then = snapshot_as_of(now, cut)
    return _Replay(then=then, scheme=scheme, users=users, relevant=of_users)


def _testable(now: Snapshot, cut: Split, mode: str) -> tuple[csr_array, Rows]:
    """What was relevant to whom after a cut, and the rows of the users who can be tested by it."""
    then = snapshot_as_of(now, cut)
    relevant = training_examples.new_only(cut.relevant, then) if mode == Mode.NEW else cut.relevant
    return relevant, training_examples.evaluable_users(relevant, then, _MOST_USERS)


def _too_few(now: Snapshot, cut: Split, testable: int, mode: str) -> EvaluationError:
    """How many users there are, how many are needed, and what would give enough."""
    known = len(np.unique(now.interactions.users))
    ways = {
        "--split last": (splits.leave_last_out(now.interactions), mode),
        "--mode all": (cut, Mode.ALL),
    }
    enough = [way for way, of in ways.items() if len(_testable(now, *of)[1]) >= metrics.MIN_USERS]
    start = f"Try {' or '.join(enough)}, or import" if enough else "Import"
    found = "new products to be found" if mode == Mode.NEW else "products to be found"
    return EvaluationError(
        f"Nothing can be measured: of {known} users with events, {testable} have both a history "
        f"before the split and {found} after it, and at least {metrics.MIN_USERS} are needed. "
        f"{start} more history with `./kinship import_events`."
    )


def _is_last(now: Snapshot, split: datetime | Literal["last"] | None) -> bool:
    if split is None:
        return splits.plan(now.interactions).scheme == LAST
    return split == "last"


def _learning(split: datetime | Literal["last"] | None) -> str | None:
    """The rank is learnt for what it is tested by."""
    return LAST if split == "last" else None


def _split(now: Snapshot, split: datetime | Literal["last"] | None) -> Split:
    if not len(now.interactions):
        raise EvaluationError(
            f"There are no events; at least {metrics.MIN_USERS} users with some are needed. Import "
            "history with `./kinship import_events`."
        )
    if not now.products.available.any():
        raise EvaluationError(
            "No product can be listed: all are out of stock or deleted. Set in_stock and try again."
        )
    if _is_last(now, split):
        return splits.leave_last_out(now.interactions)
    if isinstance(split, datetime):
        return splits.split_at(now.interactions, snapshot.seconds(split))
    return splits.split_at(now.interactions, splits.last_days(now.interactions))


def _test_set(then: Snapshot, replay: _Replay, k: int) -> TestSet:
    content = fitting.content_space(then)
    return TestSet(
        k=k,
        relevant=replay.relevant,
        history=then.interactions.positive().binary()[replay.users],
        ages=(then.clock - then.first) / SECONDS_A_DAY,
        popularity=then.popularity["all"].astype(np.int64),
        training_users=len(np.unique(then.interactions.positive().users)),
        listable=then.products.available,
        vectors=None if content is None else content.vectors,
    )


def _lists(
    source: Recommender, replay: _Replay, k: int, mode: str, progress: Progress
) -> dict[str, list[Rows]]:
    """By method, each user's list as rows of the snapshot's products."""
    nothing = np.zeros(0, dtype=np.int64)
    lists: dict[str, list[Rows]] = defaultdict(lambda: [nothing] * len(replay.users))
    then = source.snapshot
    candidates_of_users = training_examples.candidates_of(then, replay.users, mode, count=k)
    told = counted(candidates_of_users, "listing for the users", len(replay.users), progress)
    for place, candidates in enumerate(told):
        rows = then.products.rows(candidates.table.products)
        lists[_RANKED][place] = rows[_ranked(candidates, source.ranker, k)]
        for name in candidates.table.columns.scores:
            scores = candidates.table[name]
            best = np.argsort(-scores, kind="stable")[:k]
            if scores.any():
                lists[name][place] = rows[best[scores[best] > 0]]
    return dict(lists)


def _ranked(candidates: Candidates, ranker: Ranker, k: int) -> Rows:
    return rerank.best(ranker.score(candidates.table), k).rows


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _in_words(replay: _Replay) -> str:
    if replay.scheme == LAST:
        return "last"
    return f"{_time(replay.then.clock):%Y-%m-%d %H:%M}"


def _command(
    catalog: Catalog,
    split: datetime | Literal["last"] | None,
    k: int,
    mode: str,
    *,
    baselines: bool,
) -> str:
    words = ["./kinship evaluate", f"--catalog {catalog.name}"]
    if split is not None:
        words.append(f"--split {split if isinstance(split, str) else split.isoformat()}")
    words += [f"--k {k}", f"--mode {mode}", *(["--baselines"] if baselines else [])]
    return " ".join(words)
