"""Our metrics and two of our baselines beside those of LensKit and RecTools, on one split."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.console import Say
from benchmarks.quality.dataset import Dataset
from benchmarks.quality.measuring import LONGEST, hits_of, per_user
from benchmarks.quality.tuning import eligible
from recommender.insight import baselines
from recommender.insight.baselines import Scorer, top_lists
from recommender.stack.config import PROJECT_DIR

TOLERANCE = 0.001

_HERE = Path(__file__).with_name("peers")
_ENVIRONMENTS = PROJECT_DIR / ".peers"
_NEIGHBOURS, _REGULARIZATION = 100, 200.0
# More of them would take LensKit's metrics minutes and make nothing surer.
_MOST_USERS = 2_000
# Above, each of the matrices of RecTools' EASE, of double precision, takes more than a gigabyte.
_MOST_PRODUCTS = 12_000
_SECONDS = 1_800
_LAST_WORDS = 300


class PeerError(Exception):
    """A package cannot be installed or run here; the message says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Another package, with the method of it that is compared.

    Attributes:
        recall: the definition of recall that it has: `recall` or `capped recall`.
    """

    name: str
    module: str
    method: str
    recall: str
    ours: Callable[[Dataset], Scorer]


PEERS = (
    Peer(
        "LensKit",
        "lenskit",
        f"item-kNN with {_NEIGHBOURS} neighbours",
        "capped recall",
        lambda dataset: baselines.item_knn(dataset.matrix, _NEIGHBOURS),
    ),
    Peer(
        "RecTools",
        "rectools",
        f"EASE with λ = {_REGULARIZATION:g}",
        "recall",
        lambda dataset: baselines.ease(dataset.matrix, _REGULARIZATION),
    ),
)


def checked(dataset: Dataset, say: Say) -> Iterator[str]:
    """A sentence for each package: how far its figures are from ours on this set."""
    for peer in PEERS:
        if dataset.repeats or len(dataset.products) > _MOST_PRODUCTS:
            yield (
                f"Not compared with {peer.name}: the comparison is for sets of new products, up "
                f"to {_MOST_PRODUCTS:,} of them."
            )
            continue
        say(f"{dataset.name}: {peer.name}")
        try:
            yield sentence(peer, *compared(peer, dataset))
        except PeerError as exc:
            yield f"Not compared with {peer.name}: {exc}"


def sentence(peer: Peer, ours: dict[str, float], theirs: dict[str, dict[str, float]]) -> str:
    """What the comparison says: the same to ± 0.001, or not."""
    parts = []
    for what, whose in (("metrics", "its metrics of our lists"), ("method", f"its {peer.method}")):
        gaps = {name: abs(theirs[what][name] - ours[name]) for name in ours}
        words = "the same to ± 0.001" if max(gaps.values()) <= TOLERANCE else "NOT the same"
        pairs = ", ".join(
            f"{name}@{LONGEST} {theirs[what][name]:.4f} and ours {ours[name]:.4f}" for name in ours
        )
        parts.append(f"{whose}: {pairs}, {words}")
    return f"{peer.name}, {'; '.join(parts)}."


def compared(peer: Peer, dataset: Dataset) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Our recall and NDCG of our method, and the package's of our lists and of its own method.

    Raises:
        PeerError: the package cannot be installed or run here.
    """
    python = environment(peer)
    users = dataset.tested
    if len(users) > _MOST_USERS:
        users = np.sort(np.random.default_rng(1).choice(users, _MOST_USERS, replace=False))
    lists = top_lists(peer.ours(dataset), users, LONGEST, eligible(dataset))
    n_wanted = np.diff(dataset.wanted.indptr)[users]
    is_capped = peer.recall != "recall"
    of_users = per_user(hits_of(lists, dataset, users), n_wanted, is_capped=is_capped)
    ours = {
        peer.recall: float(of_users["recall"].mean()),
        "ndcg": float(of_users["ndcg"].mean()),
    }
    with TemporaryDirectory(prefix="kinship-peer-") as directory:
        task = Path(directory) / "task.npz"
        _write(task, dataset, users, lists)
        script = _HERE / f"{peer.module}_peer.py"
        said = _run(peer, [str(python), str(script), str(task)])
    theirs: dict[str, dict[str, float]] = json.loads(said.splitlines()[-1])
    return ours, theirs


def environment(peer: Peer) -> Path:
    """The interpreter of a package's environment, which is made where its lock is newer.

    Raises:
        PeerError: it cannot be made here.
    """
    home = _ENVIRONMENTS / peer.module
    python, lock = home / "bin" / "python", _lock(peer)
    if is_installed(peer):
        return python
    _run(peer, [sys.executable, "-m", "venv", "--clear", str(home)])
    install = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    _run(peer, [*install, "--require-hashes", "-r", str(lock)])
    _stamp(peer).write_bytes(lock.read_bytes())
    return python


def is_installed(peer: Peer) -> bool:
    """Whether a package's environment is there, as its lock has it."""
    stamp = _stamp(peer)
    return stamp.is_file() and stamp.read_bytes() == _lock(peer).read_bytes()


def _stamp(peer: Peer) -> Path:
    return _ENVIRONMENTS / peer.module / "installed.lock"


def _lock(peer: Peer) -> Path:
    return _HERE / f"{peer.module}.lock"


def _write(
    task: Path, dataset: Dataset, users: NDArray[np.int64], lists: list[NDArray[np.int64]]
) -> None:
    padded = np.full((len(users), LONGEST), -1, np.int64)
    for place, listed in enumerate(lists):
        padded[place, : len(listed)] = listed
    wanted = dataset.wanted[users].tocoo()
    known = dataset.matrix.tocoo()
    np.savez(
        task,
        k=LONGEST,
        neighbours=_NEIGHBOURS,
        regularization=_REGULARIZATION,
        new=not dataset.repeats,
        tested=users,
        lists=padded,
        wanted=np.stack((users[wanted.row], wanted.col)),
        known=np.stack((known.row, known.col)),
    )


def _run(peer: Peer, command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_SECONDS, cwd="/"
        )
    except subprocess.CalledProcessError as exc:
        errors = [line for line in exc.stderr.splitlines() if "WARNING" not in line]
        said = " ".join(errors)[-_LAST_WORDS:]
        raise PeerError(f"{peer.module} does not run here: {said}") from exc
    except subprocess.TimeoutExpired as exc:
        raise PeerError(f"{peer.module} took more than {_SECONDS:,} seconds.") from exc
    return done.stdout
