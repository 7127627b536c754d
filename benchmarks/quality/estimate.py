"""Roughly how long a set takes: on two cores that do nothing else."""

from benchmarks.quality.dataset import Dataset
from benchmarks.quality.results import PRODUCT

_FITS = 4  # of a method while its settings are chosen
# Processor seconds, measured on the sets of the leaderboard.
_COMMANDS = 60.0
_AN_EVENT = 4e-4
_A_USER = 5e-3
_A_PRODUCT = 2e-3
_EASE_CUBE = 3e-11  # of products³
_ITERATIONS_AN_EVENT = {"ALS": 8e-5, "BPR": 1.2e-4, "GF-CF": 4e-5, "item-kNN": 2e-5}


def seconds(dataset: Dataset, method: str) -> float:
    """Of one method on one set."""
    events, (users, products) = len(dataset.known), dataset.shape
    if method == PRODUCT:
        return _COMMANDS + events * _AN_EVENT + users * _A_USER + products * _A_PRODUCT
    if method == "EASE":
        return (_FITS + 1) * products**3 * _EASE_CUBE if products <= 20_000 else 0.0
    listing = len(dataset.tested) * products * 2e-8
    return (_FITS + 1) * (events * _ITERATIONS_AN_EVENT.get(method, 1e-5) + listing)
