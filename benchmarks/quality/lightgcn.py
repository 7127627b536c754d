"""Click graphs as of LightGCN (He et al. 2020): `train.txt` and `test.txt`, a user and its items a
line."""

from pathlib import Path

import numpy as np

from benchmarks.quality import reading, splits
from benchmarks.quality.dataset import Dataset, History, PrepareError, Times
from benchmarks.quality.reading import Ids

FILES = ("train.txt", "test.txt")


def recognised(folder: Path) -> tuple[str, ...]:
    """The names of the sets that a folder has in this format."""
    return (folder.name,) if all(reading.either(folder, name) for name in FILES) else ()


def prepare(folder: Path, name: str) -> Dataset:
    """The set, split as its publishers split it.

    Raises:
        PrepareError: a line is not of whole numbers.
    """
    users, products = Ids(), Ids()
    known, found = (_read(reading.needed(folder, file), users, products) for file in FILES)
    return Dataset(
        name=name,
        protocol="The publishers' split: `test.txt` is to be found, all products ranked, those of "
        "`train.txt` left out.",
        source="[the repository of LightGCN](https://github.com/gusye1234/LightGCN-PyTorch)",
        users=users.all,
        products=products.all,
        known=known,
        found=found,
        split=splits.fifth_of_each,
        times=Times.NONE,
        event="click",
    )


def _read(path: Path, users: Ids, products: Ids) -> History:
    pairs: list[tuple[int, int]] = []
    for number, line in enumerate(reading.lines(path)):
        user, *items = line.split() or [""]
        if not all(one.isdecimal() for one in (user or "0", *items)):
            raise PrepareError(f"{path}, line {number + 1}: whole numbers are needed.")
        # Of a user without items the line still says that there is such a user.
        row = users.row(user) if user else 0
        pairs += [(row, products.row(item)) for item in items]
    rows, columns = reading.columns(pairs, path)
    return History(users=rows, products=columns, at=np.zeros(len(rows), np.int64))
