"""Texts in another language than the rest of the catalog's (py3langid; Lui and Baldwin 2012)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

# A language is the catalog's own where it is that of so many of the texts.
_OWN_SHARE = 0.1
_MOST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Languages:
    """Of each text its language, and by how much that is likelier than the catalog's own.

    Attributes:
        excess: logarithm of the odds, 0 for a text in a language of the catalog's; calibrated as
            py3langid does it, by the root of the length; shape (texts,), NaN without a letter.
        found: ISO 639 codes.
        own: the catalog's, the commonest first.
    """

    excess: NDArray[np.float64]
    found: tuple[str, ...]
    own: tuple[str, ...]


def identify(texts: Sequence[str]) -> Languages:
    """The languages of texts."""
    model = _model()
    labels = list(model.nb_classes)
    likely = np.full((len(texts), len(labels)), np.nan, dtype=np.float32)
    lengths = np.ones(len(texts))
    best = np.full(len(texts), -1, dtype=np.int64)
    for row, text in enumerate(texts):
        read = text[:_MOST_CHARACTERS]
        if any(map(str.isalpha, read)):
            likely[row] = model._decide(read)
            best[row], lengths[row] = likely[row].argmax(), len(read.encode())
    tally = Counter(best[best >= 0].tolist())
    own = [n for n, count in tally.most_common() if count >= _OWN_SHARE * tally.total()]
    own = own or [n for n, _ in tally.most_common(1)]
    excess = np.full(len(texts), np.nan)
    if own:
        highest = likely[np.arange(len(texts)), best]
        excess = (highest - likely[:, own].max(axis=1)) / np.sqrt(lengths)
    found = tuple(labels[n] if n >= 0 else "" for n in best)
    return Languages(excess, found, tuple(labels[n] for n in own))


@lru_cache(maxsize=1)
def _model() -> LanguageIdentifier:
    """Half a second to read, the same for all."""
    return LanguageIdentifier.from_model_file(MODEL_FILE)
