"""RecTools' recall and NDCG of given lists, and its EASE; run by `cross_check`.

Imports nothing of the project: it runs where only RecTools is.
"""

import json
import sys

import numpy as np
import pandas as pd
from rectools import Columns
from rectools.dataset import Dataset
from rectools.metrics import NDCG, Recall
from rectools.models import EASEModel


def _mean(reco: pd.DataFrame, wanted: pd.DataFrame, k: int) -> dict[str, float]:
    return {
        "recall": float(Recall(k=k).calc(reco, wanted)),
        "ndcg": float(NDCG(k=k, divide_by_achievable=True).calc(reco, wanted)),
    }


def _main(task: str) -> None:
    given = np.load(task)
    k = int(given["k"])
    wanted = pd.DataFrame({Columns.User: given["wanted"][0], Columns.Item: given["wanted"][1]})
    places, ranks = np.nonzero(given["lists"] >= 0)
    reco = pd.DataFrame(
        {
            Columns.User: given["tested"][places],
            Columns.Item: given["lists"][places, ranks],
            Columns.Rank: ranks + 1,
        }
    )
    known = pd.DataFrame({Columns.User: given["known"][0], Columns.Item: given["known"][1]})
    known[Columns.Weight] = 1.0
    known[Columns.Datetime] = "2020-01-01"
    dataset = Dataset.construct(known)
    model = EASEModel(regularization=float(given["regularization"])).fit(dataset)
    own = model.recommend(given["tested"], dataset, k=k, filter_viewed=bool(given["new"]))
    print(json.dumps({"metrics": _mean(reco, wanted, k), "method": _mean(own, wanted, k)}))


if __name__ == "__main__":
    _main(sys.argv[1])
