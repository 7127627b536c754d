"""What each channel says of the candidates. Numbers in, numbers out: live, batch and replay."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# The kinds of a profile's vectors, and the metric under which lengths do not count.
INTEREST, SHORT_TERM, LAST = "interest", "short_term", "last"
LONG_TERM, NEGATIVE = "long_term", "negative"
COSINE = "cosine"

# A channel proposes so many candidates at least, and for a long list two for each place in it.
LISTED = 100
LISTED_IN_CATEGORY = 30
CATEGORIES = 3
# The heaviest interests; lighter ones say little and cost a search each.
INTERESTS = 3
# The neighbours of so many of the user's latest products are summed.
OWN_PRODUCTS = 250
OWN_LISTED = 100
# Similarity to a power: near neighbours count, the long tail of so-so ones does not.
_SHARPNESS = 4
_PUSH = 0.5


def listed(count: int) -> int:
    """How many candidates each channel proposes for a list of this length."""
    return max(LISTED, 2 * count)


def channel_scores(
    kind: str,
    name: str,
    metric: str,
    similarities: Mapping[str, NDArray[np.float32]],
    weights: NDArray[np.float64],
) -> dict[str, NDArray[np.float32]]:
    """One space's channels, named "<kind>:<space>:<query>"; each of shape (candidates,).

    What is near what the user turned down is pushed away, but not from an ALS factor, which has
    learnt that of its own.

    Args:
        kind: the space's, as is its name and metric.
        similarities: of the candidates to the vectors of a profile, by their kind: for
            interests of shape (interests, candidates), heaviest first, else (candidates,); 0 for
            a candidate without a vector.
        weights: of the interests, shape (interests,).
    """
    prefix = f"{kind}:{name}"
    found: dict[str, NDArray[np.float32]] = {}
    if INTEREST in similarities and metric == COSINE:
        found[f"{prefix}:interests"] = _interests(similarities[INTEREST], weights)
    push = _PUSH * np.maximum(similarities.get(NEGATIVE, np.float32(0)), 0)
    for query in (SHORT_TERM, LAST, LONG_TERM):
        if query in similarities:
            pushed = query != LONG_TERM or metric == COSINE
            score = similarities[query] - push if pushed else similarities[query]
            found[f"{prefix}:{query}"] = score.astype(np.float32)
    return found


def _interests(
    similarities: NDArray[np.float32], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    sharp = np.maximum(similarities[:INTERESTS], 0) ** _SHARPNESS
    return np.asarray(weights[:INTERESTS] @ sharp, dtype=np.float32)
