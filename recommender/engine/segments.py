"""Which brands, categories or values of an attribute a user would like: segments of their list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from recommender.engine.answer import Answer, Query
from recommender.engine.recommend import recommend
from recommender.models import Catalog

# Of the user's list, own products and new ones, so many places say which segments they like.
_PLACES = 200
# A segment names so many of its products, and of the user's own that led there.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """A value with its share of the user's list; the shares of all values are 1 or less."""

    value: str
    score: float
    products: tuple[str, ...]  # of the list, the best first
    because: tuple[str, ...] = ()  # the user's own products that led to most of it


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentAnswer:
    """Segments, the one liked most first, and the list that they were counted in."""

    segments: Sequence[Segment]
    answer: Answer


@dataclass(slots=True)
class _Counted:
    score: float = 0.0
    products: list[str] = field(default_factory=list)
    because: Counter[str] = field(default_factory=Counter)


def segments(catalog: Catalog, external_id: str, by: str, query: Query) -> SegmentAnswer:
    """The values of a field, or of an attribute, by the user's list of `recommend`.

    The list may hold what they had: a brand is liked for what was bought of it, too. Each place
    counts less than the one before it, as in DCG. Of a user nobody knows, it is what is popular.

    Args:
        by: `brand`, `category`, or an attribute.
    """
    asked = replace(query, count=_PLACES, fields=(by,), exclude=frozenset())
    answer = recommend(catalog, external_id, asked)
    counted: dict[str, _Counted] = {}
    discounts = 1.0 / np.log2(np.arange(2, len(answer.items) + 2))
    shares = (discounts / discounts.sum()).tolist()
    for item, share in zip(answer.items, shares, strict=True):
        for value in _values(item.fields, by):
            of_value = counted.setdefault(value, _Counted())
            of_value.score += share
            of_value.products.append(item.id)
            of_value.because.update(item.because)
    best = sorted(counted.items(), key=lambda one: (-one[1].score, one[0]))[: query.count]
    return SegmentAnswer(segments=list(map(_segment, best)), answer=answer)


def _values(fields: Mapping[str, Any], by: str) -> Iterable[str]:
    """What a product has of it: nothing, one value, or each of a list."""
    given = fields[by]
    of_list = given if isinstance(given, list) else [given]
    return dict.fromkeys(str(value) for value in of_list if value not in (None, ""))


def _segment(counted: tuple[str, _Counted]) -> Segment:
    value, of_value = counted
    because = tuple(name for name, _ in of_value.because.most_common(_NAMED))
    return Segment(value, of_value.score, tuple(of_value.products[:_NAMED]), because)
