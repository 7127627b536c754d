"""Which sets a folder has: told by its files, each in the format its publisher gave it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality import lightgcn, movielens, next_item, plain, retail
from benchmarks.quality.dataset import Dataset, PrepareError


@dataclass(frozen=True, slots=True)
class Format:
    """One way that sets are published.

    Attributes:
        files: what it is recognised by, for people.
        recognised: the names of the sets that a folder has in it.
        prepare: one of them.
    """

    files: str
    recognised: Callable[[Path], tuple[str, ...]]
    prepare: Callable[[Path, str], Dataset]


FORMATS = (
    Format("events.csv, products.csv and truth.csv", plain.recognised, plain.prepare),
    Format("transactions.csv", retail.recognised, retail.prepare),
    Format("u.data and u.item", movielens.recognised, movielens.prepare),
    Format("train.txt and test.txt", lightgcn.recognised, lightgcn.prepare),
    Format(
        "reviews_*_5.json with meta_*.json, or a .txt of `user item` lines",
        next_item.recognised,
        next_item.prepare,
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A set that is there."""

    name: str
    folder: Path
    format: Format

    def prepare(self) -> Dataset:
        """Read its files.

        Raises:
            PrepareError: they are not what they look like, or nobody can be measured.
        """
        dataset = self.format.prepare(self.folder, self.name)
        if not len(dataset.tested):
            raise PrepareError(f"{self.name} has nobody with a history and something to find.")
        return dataset


def found(folder: Path) -> list[Found]:
    """The sets of a folder: its own files', and those of each folder in it.

    Raises:
        PrepareError: it is no folder, or two of its sets have one name.
    """
    if not folder.is_dir():
        raise PrepareError(f"{folder} is no folder. Give the one that has the sets.")
    folder = folder.resolve()
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    sets = [
        Found(name, one, form)
        for one in (folder, *inner)
        for form in FORMATS
        for name in form.recognised(one)
    ]
    by_name: dict[str, Found] = {}
    for one in sets:
        if (other := by_name.setdefault(one.name, one)) is not one:
            raise PrepareError(f"{other.folder} and {one.folder} both have a set {one.name!r}.")
    return sets
