"""Next-item sets: SASRec's `user item` lines (Kang & McAuley 2018), and reviews of Amazon 2014."""

import ast
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality import reading, splits
from benchmarks.quality.dataset import Dataset, History, PrepareError, Times
from benchmarks.quality.reading import Ids

_REVIEWS = re.compile(r"reviews_(.+?)(_5)?\.json(\.gz)?")
_PAIR = re.compile(r"\S+ \S+")
_OTHERS = ("train", "test")
_LOOKED_AT = 50
# Of an order alone, one event follows the other by a minute.
_START, _STEP = 1_388_534_400, 60
_LAST = "Leave-one-out: each user's last item is to be found, all products ranked, "


def recognised(folder: Path) -> tuple[str, ...]:
    """The names of the sets that a folder has in either format: one for each file."""
    return tuple(_files(folder))


def prepare(folder: Path, name: str) -> Dataset:
    """The set of that name.

    Raises:
        PrepareError: a line is not as it should be, or the file of products is missing.
    """
    path = _files(folder)[name]
    if (reviews := _REVIEWS.fullmatch(path.name)) is None:
        return _sequences(path, name)
    return _amazon(path, name, reading.needed(folder, f"meta_{reviews[1]}.json"))


def _files(folder: Path) -> dict[str, Path]:
    files = {}
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        if reviews := _REVIEWS.fullmatch(path.name):
            files[f"amazon-{reviews[1].lower().replace('_', '-')}"] = path
        elif path.suffix == ".txt" and path.stem not in _OTHERS and _is_sequences(path):
            files[path.stem.lower()] = path
    return files


def _is_sequences(path: Path) -> bool:
    try:
        head = list(islice(reading.lines(path), _LOOKED_AT))
    except PrepareError:
        return False  # some other file, which no set of this folder needs
    return bool(head) and all(_PAIR.fullmatch(line) for line in head)


def _sequences(path: Path, name: str) -> Dataset:
    users, products = Ids(), Ids()
    pairs = []
    for number, line in enumerate(reading.lines(path)):
        cells = line.split()
        if len(cells) != 2:
            raise PrepareError(f"{path}, line {number + 1}: a user and an item are needed.")
        pairs.append((users.row(cells[0]), products.row(cells[1])))
    rows, columns = reading.columns(pairs, path)
    order = np.argsort(rows, kind="stable")
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])
    history = History(users=rows, products=columns, at=_START + _STEP * place)
    source = f"[SASRec's repository](https://github.com/kang205/SASRec), `{path.name}`"
    return _dataset(name, source, users, products, None, history, Times.ORDER)


def _amazon(path: Path, name: str, meta: Path) -> Dataset:
    users, products = Ids(), Ids()
    reviews = []
    for review in _objects(path):
        user, product = users.row(str(review.get("reviewerID"))), products.row(str(review["asin"]))
        reviews.append((user, product, reading.number(review.get("unixReviewTime"), path)))
    rows, items, at = reading.columns(reviews, path)
    names = {str(item["asin"]): str(item.get("title") or "") for item in _objects(meta)}
    titles = [names.get(one, "") for one in products.all]
    history = History(users=rows, products=items, at=at)
    source = "[Amazon reviews of 2014](https://jmcauley.ucsd.edu/data/amazon/), 5-core"
    return _dataset(name, source, users, products, titles, history, Times.REAL)


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    """One object a line: JSON, or the literal of Python that the publisher's metadata are."""
    for number, line in enumerate(reading.lines(path)):
        try:
            found = json.loads(line) if line.startswith('{"') else ast.literal_eval(line)
        except (ValueError, SyntaxError) as exc:
            raise PrepareError(f"{path}, line {number + 1} is no object.") from exc
        if "asin" not in found:
            raise PrepareError(f"{path}, line {number + 1} has no asin.")
        yield found


def _dataset(
    name: str,
    source: str,
    users: Ids,
    products: Ids,
    titles: list[str] | None,
    history: History,
    times: Times,
) -> Dataset:
    known, found = splits.last_of_each(history)
    texts = "with titles" if titles else "without texts, times a mere order"
    return Dataset(
        name=name,
        protocol=f"{_LAST}own products left out; {texts}.",
        source=source,
        users=users.all,
        products=products.all,
        titles=titles,
        known=known,
        found=found,
        split=splits.last_of_each,
        times=times,
        event="click",
    )
