"""Sentences that many products share, such as those on delivery and returns.

They say nothing of a product and draw all vectors together, so they are left out of what is
embedded. Which they are is found once for a version of a space, from a sample, and kept with it:
the same product then always has the same text. Only descriptions are looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from recommender import database
from recommender.models import Space
from recommender.spaces.plain_text import plain_lines, plain_text

_SAMPLE = 5_000
# Fewer words are an attribute: "Machine washable.", "100 % cotton".
_FEWEST_WORDS = 4
# What half of the products share tells none from another; a whole sentence does not where a fifth
# do, as long as that is more than the variants of one product.
_HALF, _FEWEST_OF_HALF = 0.5, 5
_FIFTH, _FEWEST_OF_FIFTH, _WORDS_OF_A_SENTENCE = 0.2, 20, 6
_MOST_SENTENCES = 50

_END = re.compile(r"(?<=[.!?…])\s+|\s*[•|]\s*")
_WORD = re.compile(r"\w+")

# In an order that says nothing of the products, and is the same every time.
_DESCRIPTIONS = """
SELECT description FROM recommender_product WHERE catalog_id = %s AND deleted_at IS NULL
ORDER BY hashint8(id), id LIMIT %s
"""


def settle(space: Space) -> None:
    """Find a version's sentences, if nobody has; from then on they stay. May run twice.

    A version that is older than the catalog's products is settled when the first of them is
    embedded.
    """
    is_text = space.kind in (Space.Kind.TEXT, Space.Kind.MULTIMODAL)
    if space.boilerplate is not None or not (is_text and space.plain_text):
        return
    rows = database.fetch(_DESCRIPTIONS, (space.catalog_id, _SAMPLE))
    if not rows:
        return
    sentences_shared = shared(description for (description,) in rows)
    Space.objects.filter(pk=space.pk, boilerplate__isnull=True).update(boilerplate=sentences_shared)
    space.refresh_from_db(fields=["boilerplate"])


def shared(descriptions: Iterable[str]) -> list[str]:
    """The sentences that many of these descriptions have, the commonest first, 50 at most."""
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    products = 0
    for description in descriptions:
        products += 1
        by_key = {_key(sentence): sentence for sentence in sentences(description)}
        counts.update(by_key.keys())
        texts = by_key | texts
    common = [key for key, count in counts.most_common() if _is_shared(key, count, products)]
    return [texts[key] for key in common[:_MOST_SENTENCES]]


def without(description: str, boilerplate: Sequence[str]) -> str:
    """A description as plain text, without these sentences."""
    keys = _keys(tuple(boilerplate))
    parts = sentences(description)
    kept = [part for part in parts if _key(part) not in keys]
    return plain_text(description) if len(kept) == len(parts) else " ".join(kept)


def sentences(description: str) -> list[str]:
    """What of a text stands alone: a sentence, a line, an item of a list."""
    parts = (part.strip() for line in plain_lines(description) for part in _END.split(line))
    return [part for part in parts if part]


def _is_shared(key: str, count: int, products: int) -> bool:
    words = len(key.split())
    if words < _FEWEST_WORDS:
        return False
    if count >= max(_FEWEST_OF_HALF, _HALF * products):
        return True
    is_sentence = words >= _WORDS_OF_A_SENTENCE
    return is_sentence and count >= max(_FEWEST_OF_FIFTH, _FIFTH * products)


@lru_cache(maxsize=64)
def _keys(boilerplate: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_key, boilerplate))


def _key(sentence: str) -> str:
    """What is the same however it is spaced, capitalised and ended."""
    return " ".join(_WORD.findall(sentence.casefold()))
