"""LensKit's recall and NDCG of given lists, and its item-kNN; run by `cross_check`.

Imports nothing of the project: it runs where only LensKit is.
"""

import json
import sys

import numpy as np
import pandas as pd
from lenskit.algorithms import Recommender
from lenskit.algorithms.item_knn import ItemItem
from lenskit.metrics.topn import ndcg, recall

_ALL = 1_000_000


def _discount(ranks: object) -> object:
    """That of Järvelin & Kekäläinen 2002 from the second place on; LensKit's own spares two."""
    return np.log2(np.asarray(ranks) + 1)


def _mean(lists: dict[int, list[int]], truth: dict[int, pd.DataFrame], k: int) -> dict[str, float]:
    of_users = [
        (
            recall(frame := pd.DataFrame({"item": listed}), truth[user], k=k),
            ndcg(frame, truth[user], discount=_discount, k=k),
        )
        for user, listed in lists.items()
    ]
    recalls, ndcgs = np.mean(of_users, axis=0)
    return {"capped recall": float(recalls), "ndcg": float(ndcgs)}


def _main(task: str) -> None:
    given = np.load(task)
    k, neighbours = int(given["k"]), int(given["neighbours"])
    wanted = pd.DataFrame({"user": given["wanted"][0], "item": given["wanted"][1]})
    truth = {user: group.set_index("item")[[]] for user, group in wanted.groupby("user")}
    tested = [int(user) for user in given["tested"]]
    lists = {
        user: [int(item) for item in row if item >= 0]
        for user, row in zip(tested, given["lists"], strict=True)
    }
    known = pd.DataFrame({"user": given["known"][0], "item": given["known"][1]})
    model = Recommender.adapt(ItemItem(_ALL, save_nbrs=neighbours, feedback="implicit"))
    model.fit(known)
    own = {user: [int(item) for item in model.recommend(user, k)["item"]] for user in tested}
    print(json.dumps({"metrics": _mean(lists, truth, k), "method": _mean(own, truth, k)}))


if __name__ == "__main__":
    _main(sys.argv[1])
