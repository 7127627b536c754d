"""Names of groups of texts: the words that tell them from the others, by class-based TF-IDF.

The measure is BERTopic's (Grootendorst 2022): how often a word is in a group's texts, by how
rare it is in all groups.
"""

import re
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from recommender import arrays
from recommender.analysis.clusters import SEED

# Of each group so many texts are read: more do not change its name.
_TEXTS = 1_500
# Two letters or more, and none behind a number: ml, cm and pieces tell sizes, not what a thing is.
_WORD = re.compile(r"(?:\d[\d.,]*\s*[^\W\d_]*)|([^\W\d_][^\W\d_'\u2019]+)")
# A word of fewer of a group's texts is somebody's own, if the group has as many as that.
_LEAST_SHARE = 0.08
# A word that is hardly more in a group than anywhere tells nothing of it.
_LEAST_LIFT = 1.2
# So many of a group's words may have to be left out before there is a name.
_CANDIDATES = 20
# Words that begin alike are forms of one: mug and mugs.
_STEM = 4


def _nothing(_words: Sequence[str]) -> set[str]:
    """Of texts in an unknown language, no word is known to tell nothing."""
    return set()


def names(
    texts: Sequence[str],
    groups: NDArray[np.integer],
    count: int,
    words: int = 3,
    stop_words: Callable[[Sequence[str]], Collection[str]] = _nothing,
) -> list[str]:
    """A name for each of `count` groups: its words, with commas between; "" where it has none.

    Args:
        texts: of each row, as titles.
        groups: of each row, from 0; below 0 for rows of no group.
        stop_words: those of some words that tell nothing, as "the".
    """
    rows = _some_of_each(groups)
    members = groups[rows]
    vectorizer = CountVectorizer(tokenizer=_words, lowercase=False, token_pattern=None, binary=True)
    try:
        there = vectorizer.fit_transform([texts[row] for row in rows])
    except ValueError:  # no text has a word
        return [""] * count
    of_group = np.zeros((count, len(rows)), dtype=np.float32)
    of_group[members, np.arange(len(rows))] = 1.0
    counts = np.asarray(of_group @ there, dtype=np.float64)
    sizes = np.maximum(of_group.sum(axis=1, keepdims=True), 1.0)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    rarity = np.log1p(totals.mean() / np.maximum(counts.sum(axis=0), 1.0))
    shares = counts / sizes
    is_telling = (shares >= _LEAST_SHARE) & _is_own(shares, counts.sum(axis=0) / len(rows))
    scores = np.where(is_telling, counts / totals * rarity, 0.0)
    known = vectorizer.get_feature_names_out()
    candidates = np.unique([arrays.largest(row, _CANDIDATES) for row in scores])
    left_out = stop_words([str(known[place]) for place in candidates])
    scores[:, [place for place in candidates if known[place] in left_out]] = 0.0
    return [", ".join(_best(known, row, words)) for row in scores]


def _some_of_each(groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """Rows of each group, chosen by chance where it has many."""
    order = np.random.default_rng(SEED).permutation(len(groups))
    order = order[np.argsort(groups[order], kind="stable")]
    labels = groups[order]
    first = np.searchsorted(labels, labels)
    kept = (np.arange(len(order)) - first < _TEXTS) & (labels >= 0)
    return np.sort(order[kept]).astype(np.int64)


def _is_own(shares: NDArray[np.float64], everywhere: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which words are in more of a group's texts than of all; of a single group, all are."""
    if shares.any(axis=1).sum() <= 1:
        return shares > 0
    result: NDArray[np.bool_] = shares > _LEAST_LIFT * everywhere
    return result


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word]


def _best(known: NDArray[np.object_], scores: NDArray[np.float64], words: int) -> list[str]:
    """The best words, of those that begin alike only the first."""
    chosen: list[str] = []
    for place in np.argsort(-scores, kind="stable"):
        word = str(known[place])
        if scores[place] <= 0 or len(chosen) == words:
            break
        if not any(_is_alike(word, other) for other in chosen):
            chosen.append(word)
    return chosen


def _is_alike(first: str, second: str) -> bool:
    shorter = min(len(first), len(second))
    stem = max(_STEM, shorter - 2) if shorter >= _STEM else shorter + 1
    return first[:stem] == second[:stem] or first in (f"{second}s", second.removesuffix("s"))
