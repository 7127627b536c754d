"""The product on a set: its own commands, their defaults, on a stack of its own."""

import csv
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np
import psutil
from numpy.typing import NDArray

from benchmarks.console import Say
from benchmarks.quality.dataset import Dataset
from benchmarks.quality.measuring import LONGEST
from recommender.stack.config import PROJECT_DIR

_POLL_SECONDS = 0.5
_LAST_LINES = 20
# A set without times is of one moment.
_MOMENT = int(datetime(2014, 7, 1, tzinfo=UTC).timestamp())


class ProductError(Exception):
    """A command of the product failed; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: by the clock.
        processor_seconds: user and system, of the command and all it started, without PostgreSQL.
        peak_bytes: the most memory that they held at once, what they share counted once.
    """

    seconds: float
    processor_seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What came of a set.

    Attributes:
        lists: product rows, best first, one list for each of the set's tested users.
        training: what `train` took.
        seconds: of each command, by the clock.
    """

    lists: list[NDArray[np.int64]]
    training: Cost
    seconds: dict[str, float]


def run(dataset: Dataset, say: Say, keep: Path | None = None) -> Listed:
    """Import a set, embed, train and recommend, in a catalog and a data directory of its own.

    Args:
        keep: where the files for import and the lists are left; None for nowhere.

    Raises:
        ProductError: a command failed.
    """
    with TemporaryDirectory(prefix="kinship-quality-") as home:
        Path(home).chmod(0o711)  # as root, the servers' own user passes through
        files = Path(home) if keep is None else keep
        files.mkdir(parents=True, exist_ok=True)
        write(dataset, files)
        with _stack(Path(home) / "data") as environment:
            costs = {}
            for arguments in commands(dataset, files):
                say(f"{dataset.name}: {arguments[0]}")
                costs[arguments[0]] = _run(arguments, environment, say)
        return Listed(
            lists=read_lists(files / "lists.jsonl", dataset),
            training=costs["train"],
            seconds={name: cost.seconds for name, cost in costs.items()},
        )


def commands(dataset: Dataset, files: Path) -> list[list[str]]:
    """The commands for a set: nothing is set but the clock, as the times are of the past."""
    name = dataset.name.lower()
    catalog = ["--catalog", name]
    listing = ["--users", str(files / "users.txt"), "--count", str(LONGEST)]
    listing += ["--include-seen"] if dataset.repeats else []
    return [
        ["create_catalog", name, "--clock", "last_event"],
        ["import_products", str(files / "products.csv"), *catalog],
        ["import_events", str(files / "events.csv"), *catalog, "--type", dataset.event],
        ["embed", *catalog, "--wait"],
        ["train", *catalog, "--wait"],
        ["recommend", *catalog, *listing, "--out", str(files / "lists.jsonl")],
    ]


def write(dataset: Dataset, files: Path) -> None:
    """The files that the product imports: `products.csv`, `events.csv`, `users.txt`."""
    columns: dict[str, Sequence[object]] = {"id": dataset.products}
    if dataset.titles is not None:
        columns["title"] = dataset.titles
    if dataset.prices is not None:
        columns["price"] = dataset.prices
    _write(files / "products.csv", columns)
    known = dataset.known
    moments = [datetime.fromtimestamp(at or _MOMENT, UTC).isoformat() for at in known.at.tolist()]
    columns = {
        "user": [dataset.users[row] for row in known.users],
        "product": [dataset.products[row] for row in known.products],
        "at": moments,
    }
    if known.values is not None:
        columns["quantity" if dataset.event == "purchase" else "value"] = known.values.tolist()
    if known.orders is not None:
        columns["order"] = known.orders.tolist()
    _write(files / "events.csv", columns)
    users = "".join(f"{dataset.users[row]}\n" for row in dataset.tested)
    (files / "users.txt").write_text(users, encoding="utf-8")


def read_lists(path: Path, dataset: Dataset) -> list[NDArray[np.int64]]:
    """The lists of `recommend` as product rows, in the order of the set's tested users.

    Raises:
        ProductError: a user who was asked for has no list.
    """
    rows = {product: row for row, product in enumerate(dataset.products)}
    by_user = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            found = json.loads(line)
            listed = [rows[item["id"]] for item in found["items"]]
            by_user[found["user"]] = np.array(listed, np.int64)
    if missing := [user for user in dataset.tested if dataset.users[user] not in by_user]:
        raise ProductError(f"{path} has no list for {len(missing):,} of the users.")
    return [by_user[dataset.users[user]] for user in dataset.tested]


def _write(path: Path, columns: dict[str, Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@contextmanager
def _stack(data_dir: Path) -> Iterator[dict[str, str]]:
    """The environment of commands on a stack of their own, which is stopped at the end."""
    outside = ("DATABASE_URL", "BROKER_URL")
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    environment["KINSHIP_DATA_DIR"] = str(data_dir)
    try:
        yield environment
    finally:
        _run(["down"], environment, lambda _line: None)


def _run(arguments: Sequence[str], environment: dict[str, str], say: Say) -> Cost:
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments]
    started = time.monotonic()
    process = psutil.Popen(
        command,
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    words: deque[str] = deque(maxlen=_LAST_LINES)
    reader = threading.Thread(target=_follow, args=(process.stdout, words, say))
    reader.start()
    watched = _Watch(process)
    try:
        while process.poll() is None:
            watched.look()
            time.sleep(_POLL_SECONDS)
    finally:
        if process.poll() is None:  # this run was broken off
            process.terminate()
            process.wait()
        reader.join()
    if process.returncode:
        said = "\n".join(words)
        raise ProductError(f"`./kinship {' '.join(arguments)}` failed:\n{said}")
    return Cost(
        seconds=time.monotonic() - started,
        processor_seconds=watched.processor_seconds,
        peak_bytes=watched.peak_bytes,
    )


def _follow(output: IO[str], words: deque[str], say: Say) -> None:
    """Pass on what a command says, and keep its last lines."""
    for line in output:
        if text := line.strip():
            words.append(text)
            say(text)


class _Watch:
    """The memory and processor time of a process and all below it, as often as it is looked at."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._times: dict[tuple[int, float], float] = {}
        self.peak_bytes = 0

    @property
    def processor_seconds(self) -> float:
        """Of all that was ever seen; what ended between two looks counts to the one before."""
        return sum(self._times.values())

    def look(self) -> None:
        held = 0
        with suppress(psutil.NoSuchProcess):
            for one in (self._process, *self._process.children(recursive=True)):
                # A process may end while it is looked at.
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    times = one.cpu_times()
                    self._times[one.pid, one.create_time()] = times.user + times.system
                    held += one.memory_full_info().pss
        self.peak_bytes = max(self.peak_bytes, held)
