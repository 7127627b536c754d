"""Candidates with all that is known of them: what a ranker ranks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePool:
    """The candidates of one or many requests, one request after the other.

    `channels` are scores of which only the order and spread within a request mean something, such
    as "text:text:short_term"; 0 where a channel has nothing to say. `facts` are numbers that mean
    the same in every request, such as "popular:week"; NaN where one is not known. The word before
    the first colon names the part of an explanation that a number belongs to: text, image,
    multimodal, behaviour, together, popular, repeat, product or user.
    """

    sizes: NDArray[np.int64]  # candidates of each request, shape (requests,)
    products: NDArray[np.int64]  # keys, shape (candidates,)
    channels: Mapping[str, NDArray[np.float32]]  # each of shape (candidates,)
    facts: Mapping[str, NDArray[np.float32]]  # each of shape (candidates,)

    def __post_init__(self) -> None:
        if int(self.sizes.sum()) != len(self.products):
            raise ValueError(
                f"The requests have {int(self.sizes.sum())} candidates, but there are "
                f"{len(self.products)} products."
            )
