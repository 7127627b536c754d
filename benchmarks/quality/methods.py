"""The baselines, each with the small grid that its settings are chosen from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from benchmarks.quality.dataset import Dataset, Times, binary
from benchmarks.quality.graph_filter import graph_filter, right_vectors
from benchmarks.quality.next_basket import tifu_knn
from recommender.behaviour.settings import AlsSettings
from recommender.insight import baselines
from recommender.insight.baselines import Scorer

Settings = Mapping[str, float]
# What a set knows → what fits a method to it with given settings; what all settings share is made
# once.
Learn = Callable[[Dataset], Callable[[Settings], Scorer]]

_DAY = 86_400
_WEEK = 7 * _DAY
_MOST_FACTORS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One published method.

    Attributes:
        name: on the page and on the command line.
        source: the paper.
        grid: the values of each setting, in order; the search begins in the middle.
        needs: whether it makes sense of a set at all.
        most_tuned: where a set has more products, settings are chosen on so many of them, the
            most popular; None where a fit is cheap enough.
    """

    name: str
    source: str
    learn: Learn
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    needs: Callable[[Dataset], bool] = lambda _dataset: True
    most_tuned: int | None = None


def _each(fit: Callable[[Dataset, Settings], Scorer]) -> Learn:
    """A method whose settings share nothing."""
    return lambda dataset: partial(fit, dataset)


def _popular(dataset: Dataset, _settings: Settings) -> Scorer:
    return baselines.popular(np.asarray(dataset.matrix.sum(axis=0), np.float64))


def _popular_week(dataset: Dataset, _settings: Settings) -> Scorer:
    """Of the last seven days before the split, then of all time."""
    known = dataset.known
    week = binary(known.where(known.at > known.at.max() - _WEEK), dataset.shape).sum(axis=0)
    ever = dataset.matrix.sum(axis=0)
    return baselines.popular(np.asarray(week + ever / (1 + ever.max()), np.float64))


def _item_knn(dataset: Dataset, settings: Settings) -> Scorer:
    return baselines.item_knn(dataset.matrix, int(settings["neighbours"]))


def _ease(dataset: Dataset, settings: Settings) -> Scorer:
    return baselines.ease(dataset.matrix, settings["reg"])


def _graph_filter(dataset: Dataset) -> Callable[[Settings], Scorer]:
    vectors = right_vectors(dataset.matrix, _MOST_FACTORS)

    def fit(settings: Settings) -> Scorer:
        kept = vectors[: int(settings["factors"])]
        return graph_filter(dataset.matrix, kept, settings["low pass"])

    return fit


def _als(dataset: Dataset, settings: Settings) -> Scorer:
    chosen = AlsSettings(
        dimension=int(settings["factors"]),
        regularization=settings["reg"],
        alpha=settings["alpha"],
    )
    return baselines.als(dataset.matrix, chosen)


def _bpr(dataset: Dataset, settings: Settings) -> Scorer:
    return baselines.bpr(dataset.matrix, settings["rate"], settings["reg"])


def _repeat(dataset: Dataset, settings: Settings) -> Scorer:
    known = dataset.known
    days = (known.at.max() - known.at) / _DAY
    weights = (0.5 ** (days / settings["half-life"])).astype(np.float32)
    return baselines.repeat(csr_array((weights, (known.users, known.products)), dataset.shape))


def _tifu_knn(dataset: Dataset, settings: Settings) -> Scorer:
    return tifu_knn(
        dataset.known,
        dataset.shape,
        neighbours=int(settings["neighbours"]),
        own=settings["own"],
        basket_decay=settings["basket decay"],
        group_decay=settings["group decay"],
    )


def _has_real_times(dataset: Dataset) -> bool:
    return dataset.times is Times.REAL


def _buys_again(dataset: Dataset) -> bool:
    return dataset.repeats


METHODS = (
    Method(name="popular", source="", learn=_each(_popular)),
    Method(name="popular, 7 days", source="", learn=_each(_popular_week), needs=_has_real_times),
    Method(
        name="item-kNN",
        source="Deshpande & Karypis 2004",
        learn=_each(_item_knn),
        grid={"neighbours": (20, 50, 100, 200, 500, 2000)},
    ),
    Method(
        name="EASE",
        source="Steck 2019",
        learn=_each(_ease),
        grid={"reg": (10, 20, 50, 100, 200, 500, 1000, 2000)},
        most_tuned=5_000,
    ),
    Method(
        name="ALS",
        source="Hu, Koren & Volinsky 2008; `implicit`",
        learn=_each(_als),
        grid={"factors": (32, 64, 128, 256), "alpha": (0.3, 1, 5, 20), "reg": (1, 10, 50)},
    ),
    Method(
        name="BPR",
        source="Rendle et al. 2009; `implicit`",
        learn=_each(_bpr),
        grid={"rate": (0.01, 0.03, 0.1), "reg": (0.001, 0.01, 0.05)},
    ),
    Method(
        name="GF-CF",
        source="Shen et al. 2021",
        learn=_graph_filter,
        grid={"low pass": (0, 0.1, 0.3, 1), "factors": (32, 64, 128, _MOST_FACTORS)},
    ),
    Method(
        name="repeat",
        source="own products, decayed",
        learn=_each(_repeat),
        grid={"half-life": (30, 60, 120, 365, 1000)},
        needs=_buys_again,
    ),
    Method(
        name="TIFU-KNN",
        source="Hu et al. 2020",
        learn=_each(_tifu_knn),
        grid={
            "neighbours": (30, 100, 300, 900),
            "own": (0.3, 0.5, 0.7, 0.9),
            "basket decay": (0.6, 0.7, 0.8, 0.9, 1.0),
            "group decay": (0.5, 0.7, 0.9, 1.0),
        },
        needs=_buys_again,
    ),
)
