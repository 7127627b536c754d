"""The parts of an explanation: what a number of a pool belongs to."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Where all candidates start, and what is known of the user.
BASE = "base"
_OF_THE_USER = "user"


def part(name: str) -> str:
    """The part of a channel, fact or feature: "text" of "text:titles:last#rank".

    What is known of the user is the same for every candidate, and so no reason for one: it is base.
    """
    first = name.partition(":")[0]
    return BASE if first == _OF_THE_USER else first


def grouping(names: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The parts, the base first, and which feature is of which.

    Returns:
        Names of the parts, and 1 where a feature is of a part, shape (features, parts).
    """
    of_feature = [part(name) for name in names]
    found = tuple(dict.fromkeys((BASE, *of_feature)))
    places = [found.index(name) for name in of_feature]
    return found, np.eye(len(found))[places] if places else np.zeros((0, len(found)))
