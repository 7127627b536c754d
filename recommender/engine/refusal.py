"""How much a candidate is like what the user turned down, more than like what they choose."""

from collections.abc import Sequence

import numpy as np

from recommender.engine.candidates import Candidates, Floats
from recommender.engine.config import REFUSAL_SHARPNESS
from recommender.profiles.profile import INTEREST, LAST, NEGATIVE


def likeness(candidates: Candidates, spaces: Sequence[str]) -> Floats:
    """From 0 to 1, shape (candidates,); 0 for a user who turned nothing down.

    Rocchio's negative feedback (1971) as a feature: in the space where it shows most, the cosine to
    the direction of all that was refused beyond that to the nearest liked product, both squared.

    Args:
        spaces: names of those that tell, whose metric is the cosine.
    """
    most = np.zeros(len(candidates), dtype=np.float32)
    for name in spaces:
        profile = candidates.context.profiles.get(name)
        kinds = np.array([vector.kind for vector in profile.vectors] if profile is not None else [])
        if NEGATIVE in kinds:
            near = np.maximum(candidates.similarities[name], 0.0) ** REFUSAL_SHARPNESS
            liked = near[np.isin(kinds, (INTEREST, LAST))].max(axis=0, initial=0.0)
            np.maximum(most, near[kinds == NEGATIVE].max(axis=0) - liked, out=most)
    return np.minimum(most, np.float32(1))
