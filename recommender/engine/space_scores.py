"""What a space says of products, from their similarity to a profile. Numbers in, numbers out."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recommender.engine.config import INTERESTS, PUSH, SHARPNESS
from recommender.profiles.profile import (
    INTEREST,
    LAST,
    LONG_TERM,
    NEGATIVE,
    SHORT_TERM,
    ProfileRow,
)

COSINE = "cosine"
BEHAVIOUR = "behaviour"

Floats = NDArray[np.float32]


def names(kind: str, metric: str) -> tuple[str, ...]:
    """The scores of a space of this kind and metric."""
    interests = (f"{INTEREST}s",) if metric == COSINE else ()
    long_term = (LONG_TERM,) if kind == BEHAVIOUR else ()
    return (*interests, SHORT_TERM, LAST, *long_term)


def scores(
    metric: str, vectors: Sequence[ProfileRow], similarities: Floats
) -> Mapping[str, Floats]:
    """The scores of products by name, each of shape (products,); none for a vector not there.

    What is near what the user turned down is pushed away, but not from an ALS factor, which has
    learnt that of its own.

    Args:
        metric: the space's.
        vectors: of the profile, interests heaviest first.
        similarities: of products to each vector, shape (vectors, products); 0 for a product
            without a vector.
    """
    values: dict[str, Floats] = {}
    by_kind = {
        vector.kind: similarities[row]
        for row, vector in enumerate(vectors)
        if vector.kind != INTEREST
    }
    interests = [row for row, vector in enumerate(vectors) if vector.kind == INTEREST][:INTERESTS]
    if interests and metric == COSINE:
        weights = np.array([vectors[row].weight for row in interests])
        sharp = np.maximum(similarities[interests], 0) ** SHARPNESS
        values[f"{INTEREST}s"] = np.asarray(weights @ sharp, dtype=np.float32)
    push = PUSH * np.maximum(by_kind.get(NEGATIVE, np.float32(0)), 0)
    for kind in (SHORT_TERM, LAST, LONG_TERM):
        if kind in by_kind:
            is_pushed = kind != LONG_TERM or metric == COSINE
            score = by_kind[kind] - push if is_pushed else by_kind[kind]
            values[kind] = np.asarray(score, dtype=np.float32)
    return values
