"""Tiny sets, written as their publishers write them."""

import ast
import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

USERS, PRODUCTS = 40, 24
_YEAR = 31_536_000
_START = 1_300_000_000


def histories(seed: int = 1) -> list[list[int]]:
    """Of each user, products in order; users of one half of the products keep to it."""
    random = Random(seed)
    half = PRODUCTS // 2
    return [
        [half * (user % 2) + one for one in random.sample(range(half), 7)] for user in range(USERS)
    ]


def plain(folder: Path, *, is_next: bool = True) -> Path:
    """events.csv.gz, products.csv and truth.csv: the last of each, or the last two."""
    folder.mkdir(parents=True)
    out = 1 if is_next else 2
    events, truth = [], []
    for user, items in enumerate(histories()):
        for place, item in enumerate(items[:-out]):
            day = 1 + place if is_next else 1
            events.append((f"u{user}", f"p{item}", f"2020-01-{day:02}T00:00:00Z"))
        truth += [(f"u{user}", f"p{item}") for item in items[-out:]]
    with gzip.open(folder / "events.csv.gz", "wt", newline="") as file:
        _rows(file, ("user", "product", "at"), events)
    titles = [(f"p{one}", f"blue lamp, no. {one}") for one in range(PRODUCTS)]
    with (folder / "products.csv").open("w", newline="") as file:
        _rows(file, ("id", "title"), titles)
    with (folder / "truth.csv").open("w", newline="") as file:
        _rows(file, ("user", "product"), truth)
    return folder


def retail(folder: Path) -> Path:
    """transactions.csv.gz, over the year that Online Retail is of."""
    folder.mkdir(parents=True)
    header = (
        "InvoiceNo",
        "StockCode",
        "Description",
        "Quantity",
        "InvoiceDate",
        "UnitPrice",
        "CustomerID",
    )
    random = Random(2)
    rows: list[tuple[object, ...]] = [
        ("C1", "20001", "RED LAMP", -1, "2011-05-01T10:00:00", 2.5, "7"),
        ("2", "POST", "POSTAGE", 1, "2011-05-01T10:00:00", 2.5, "7"),
        ("3", "20001", "RED LAMP", 1, "2011-05-01T10:00:00", 2.5, ""),
        ("4", "20001", "RED LAMP", 1, "2011-05-01T10:00:00", 0, "7"),
    ]
    for user, items in enumerate(histories()):
        for number, item in enumerate((*items, *items[:3])):
            at = f"2011-{1 + number:02}-{random.randint(1, 28):02}T10:00:00"
            rows.append((user * 20 + number, 20_000 + item, f"LAMP {item}", 2, at, 1.5, user))
        last = f"2011-11-{random.randint(1, 28):02}T10:00:00"
        rows.append((user * 20 + 19, 20_000 + items[0], f"LAMP {items[0]}", 2, last, 1.5, user))
        other = 20_000 + (items[0] + 1) % PRODUCTS
        rows.append((user * 20 + 19, other, f"LAMP {other}", 2, last, 1.5, user))
    with gzip.open(folder / "transactions.csv.gz", "wt", newline="") as file:
        _rows(file, header, rows)
    return folder


def movielens(folder: Path, *, is_recbole: bool = False) -> Path:
    """u.data and u.item; or the same as recbole has it."""
    folder.mkdir(parents=True)
    ratings = [
        (user, item, 1 + item % 5, _START + user * 10_000 + place * 86_400)
        for user, items in enumerate(histories())
        for place, item in enumerate(items)
    ]
    lines = ["\t".join(map(str, row)) for row in ratings]
    if is_recbole:
        data, items, header = "ml-100k.inter", "ml-100k.item", ["user_id:token\t…"]
        films = ["item_id:token\tmovie_title:token_seq"]
        films += [f"{one}\tFilm {one}" for one in range(PRODUCTS)]
    else:
        data, items, header = "u.data", "u.item", []
        films = [f"{one}|Amélie {one}|1-Jan-1995||http://…" for one in range(PRODUCTS)]
    (folder / data).write_text("\n".join([*header, *lines]) + "\n", "utf-8")
    encoding = "utf-8" if is_recbole else "latin-1"
    text = "\n".join(films).replace("…", "") + "\n"
    (folder / items).write_text(text, encoding)
    return folder


def lightgcn(folder: Path) -> Path:
    """train.txt and test.txt: a user and its items a line, and a user who has none."""
    folder.mkdir(parents=True)
    train, test = ["99"], ["99"]
    for user, items in enumerate(histories()):
        train.append(" ".join(map(str, (user, *items[:-2]))))
        test.append(" ".join(map(str, (user, *items[-2:]))))
    (folder / "train.txt").write_text("\n".join(train) + "\n")
    (folder / "test.txt").write_text("\n".join(test) + "\n")
    return folder


def sequences(folder: Path) -> Path:
    """Tiny.txt: `user item` lines, of each user in order."""
    folder.mkdir(parents=True)
    pairs = [f"{user + 1} {item + 1}" for user, items in enumerate(histories()) for item in items]
    (folder / "Tiny.txt").write_text("\n".join(pairs) + "\n")
    return folder


def amazon(folder: Path) -> Path:
    """reviews_Tiny_5.json.gz, as JSON, and meta_Tiny.json.gz, as literals of Python."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "reviews_Tiny_5.json.gz", "wt") as file:
        for user, items in enumerate(histories()):
            for place, item in reversed(list(enumerate(items))):  # reviews are in no order
                at = _START + place * _YEAR // 12
                review = {"reviewerID": f"A{user}", "asin": f"B{item}", "unixReviewTime": at}
                file.write(json.dumps(review) + "\n")
    with gzip.open(folder / "meta_Tiny.json.gz", "wt") as file:
        for item in range(PRODUCTS - 1):  # the last has none
            text = repr({"asin": f"B{item}", "title": f"Bath's salt {item}"})
            assert ast.literal_eval(text)
            file.write(text + "\n")
    return folder


def _rows(file: object, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file)  # type: ignore[arg-type]
    writer.writerow(header)
    writer.writerows(rows)
