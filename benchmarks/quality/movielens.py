"""MovieLens-100k (Harper & Konstan 2015, doi:10.1145/2827872), in two shapes.

As GroupLens publishes it, `u.data` and `u.item`; or as the package `recbole` has it,
`ml-100k.inter` and `ml-100k.item`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.quality import reading, splits
from benchmarks.quality.dataset import Dataset, History, PrepareError, Times
from benchmarks.quality.reading import Ids

LAST, CLICKS, TIME = "ml-100k-last", "ml-100k-clicks", "ml-100k-time"
_SHAPES = (("u.data", "u.item"), ("ml-100k.inter", "ml-100k.item"))
_PROTOCOLS = {
    LAST: "Ratings with titles; each user's last rated film is to be found, all films ranked, "
    "those rated before left out.",
    CLICKS: "Every rating as a click, without title or time; a fifth of each user's, at random by "
    "a fixed seed, is to be found, all films ranked, own films left out.",
    TIME: "Ratings with titles, by global time: nine tenths of the events are known, what the "
    "same users rated afterwards is to be found, all films ranked, own films left out.",
}


def recognised(folder: Path) -> tuple[str, ...]:
    """The names of the sets that a folder has in this format."""
    return (LAST, CLICKS, TIME) if _shape(folder) else ()


def prepare(folder: Path, name: str) -> Dataset:
    """One of the three protocols.

    Raises:
        PrepareError: a line has too few columns, or a film that is not among the films.
    """
    shape = _shape(folder)
    if shape is None:
        raise PrepareError(f"{folder} has neither u.data and u.item nor their form in recbole.")
    data, items = (folder / file for file in shape)
    films, titles = _films(items)
    users, history = _ratings(data, films)
    split = {LAST: splits.last_of_each, TIME: splits.last_tenth}.get(name, splits.fifth_of_each)
    if name == CLICKS:
        anyone = np.zeros(len(history), np.int64)
        history = History(users=history.users, products=history.products, at=anyone)
    known, found = split(history)
    return Dataset(
        name=name,
        protocol=_PROTOCOLS[name],
        source="[MovieLens 100K](https://grouplens.org/datasets/movielens/100k/); the package "
        "`recbole` 1.2.1 has it, too, in `recbole/dataset_example/ml-100k`",
        users=users.all,
        products=films.all,
        titles=None if name == CLICKS else titles,
        known=known,
        found=found,
        split=split,
        times=Times.NONE if name == CLICKS else Times.REAL,
        event="click" if name == CLICKS else "rating",
    )


def _shape(folder: Path) -> tuple[str, str] | None:
    return next((s for s in _SHAPES if all((folder / file).is_file() for file in s)), None)


def _films(path: Path) -> tuple[Ids, list[str]]:
    is_published = path.name == "u.item"
    separator = "|" if is_published else "\t"
    films = Ids()
    titles: list[str] = []
    for cells in _cells(path, separator, 2, has_header=not is_published):
        if films.row(cells[0]) == len(titles):
            titles.append(cells[1])
    return films, titles


def _ratings(path: Path, films: Ids) -> tuple[Ids, History]:
    users = Ids()
    ratings: list[tuple[float, ...]] = []
    for cells in _cells(path, "\t", 4, has_header=path.name != "u.data"):
        film = films.known(cells[1], path)
        stars, at = (reading.number(cell, path) for cell in cells[2:4])
        ratings.append((users.row(cells[0]), film, stars, at))
    rows, products, given, moments = reading.columns(ratings, path)
    return users, History(users=rows, products=products, at=moments, values=given.astype(float))


def _cells(path: Path, separator: str, least: int, *, has_header: bool) -> Iterator[list[str]]:
    for number, line in enumerate(reading.lines(path, "latin-1")):
        if not line or (has_header and number == 0):
            continue
        cells = line.split(separator)
        if len(cells) < least:
            raise PrepareError(f"{path}, line {number + 1}: {least} columns are needed.")
        yield cells
