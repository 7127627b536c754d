"""Sets as plain tables: `events.csv`, `products.csv` and `truth.csv`, each gzipped or not."""

from pathlib import Path

import numpy as np

from benchmarks.quality import reading, splits
from benchmarks.quality.dataset import Dataset, History, Times
from benchmarks.quality.reading import Ids

FILES = ("events.csv", "products.csv", "truth.csv")
# Some users of a next-item set lose their one item to a filter of the publisher's.
_MOSTLY = 0.95


def recognised(folder: Path) -> tuple[str, ...]:
    """The names of the sets that a folder has in this format."""
    return (folder.name,) if all(reading.either(folder, name) for name in FILES) else ()


def prepare(folder: Path, name: str) -> Dataset:
    """The set: what its truth lists is to be found, of what its events say.

    Raises:
        PrepareError: a file lacks a column, or names a product that is not among the products.
    """
    products, titles = _products(reading.needed(folder, "products.csv"))
    path = reading.needed(folder, "events.csv")
    users = Ids()
    events: list[tuple[int, int, int]] = []
    for row in reading.table(path, ("user", "product", "at")):
        product = products.known(row["product"], path)
        events.append((users.row(row["user"]), product, reading.seconds(row["at"], path)))
    known = _history(events, path)
    path = reading.needed(folder, "truth.csv")
    wanted = [
        (users.row(row["user"]), products.known(row["product"], path), 0)
        for row in reading.table(path, ("user", "product"))
    ]
    found = _history(wanted, path)
    n_wanted = np.unique(found.users, return_counts=True)[1]
    is_next = bool(np.mean(n_wanted == 1) >= _MOSTLY)
    is_ordered = len(np.unique(known.at)) > 1
    what = "the next item of each user" if is_next else "what was left out of each user's items"
    return Dataset(
        name=name,
        protocol=f"As given by `truth.csv`: {what}; all products ranked, own products left out.",
        source="`events.csv`, `products.csv` and `truth.csv`",
        users=users.all,
        products=products.all,
        titles=titles,
        known=known,
        found=found,
        split=splits.last_of_each if is_next and is_ordered else splits.fifth_of_each,
        times=Times.ORDER if is_ordered else Times.NONE,
        event="click",
    )


def _products(path: Path) -> tuple[Ids, list[str] | None]:
    ids = Ids()
    titles: list[str] = []
    for row in reading.table(path, ("id",)):
        if ids.row(row["id"]) == len(titles):
            titles.append(row.get("title") or "")
    return ids, titles if any(titles) else None


def _history(rows: list[tuple[int, int, int]], path: Path) -> History:
    users, products, at = reading.columns(rows, path)
    return History(users=users, products=products, at=at)
