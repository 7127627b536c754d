"""Published figures, and the public sets that the leaderboard looks for."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality import movielens, retail


@dataclass(frozen=True, slots=True)
class Figure:
    """What was published of one method; a metric that was not published is missing."""

    method: str
    metrics: Mapping[str, float]
    source: str
    protocol: str


# What the page has, or misses: where a set is not in the folder, it is said which files it needs.
PUBLIC_SETS = {
    "citeulike-a": "events.csv, products.csv, truth.csv",
    "toys": "events.csv, products.csv, truth.csv",
    **dict.fromkeys((retail.NEW, retail.ALL, retail.TIME), "transactions.csv"),
    **dict.fromkeys((movielens.LAST, movielens.CLICKS, movielens.TIME), "u.data, u.item"),
    "amazon-beauty": "reviews_Beauty_5.json.gz, meta_Beauty.json.gz",
    "gowalla": "train.txt, test.txt",
    "yelp2018": "train.txt, test.txt",
    "amazon-book": "train.txt, test.txt",
}


def published(users: int, products: int) -> list[Figure]:
    """The figures of the split with so many users and products; none where it is not known."""
    document = tomllib.loads(Path(__file__).with_name("published.toml").read_text("utf-8"))
    return [
        Figure(
            figure["method"],
            {name: value for name, value in figure.items() if "@" in name},
            figure["source"],
            split["protocol"],
        )
        for split in document["split"]
        if (split["users"], split["products"]) == (users, products)
        for figure in split["figures"]
    ]
