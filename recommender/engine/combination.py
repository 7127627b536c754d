"""One list from those that ways to find products give: a weighted sum of what each is worth.

A convex combination, which Bruch, Gai & Ingber (2023) found better than reciprocal-rank fusion.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from recommender.engine.answer import Query


@dataclass(frozen=True, slots=True)
class ScoredList:
    """Products that one way has found, and what each is worth."""

    name: str
    products: Sequence[tuple[int, str, float]]  # keys, ids and worths

    def shared(self, number: int) -> "ScoredList":
        """The same as one of so many lists that are worth as much as one together."""
        return ScoredList(
            self.name, [(key, name, worth / number) for key, name, worth in self.products]
        )


@dataclass(slots=True)
class Found:
    """A product with what each list contributes to its score."""

    product_id: int
    external_id: str
    contributions: dict[str, float] = field(default_factory=dict)
    score: float = 0.0  # their sum

    def add(self, name: str, worth: float) -> None:
        """Count what a list says of it."""
        self.contributions[name] = worth
        self.score += worth


def combined(lists: Iterable[ScoredList], shown: Collection[int]) -> list[Found]:
    """All that was found and not shown before, the best first."""
    found: dict[int, Found] = {}
    for one in lists:
        for key, external_id, worth in one.products:
            product = found.get(key)
            if product is None:
                product = found[key] = Found(key, external_id)
            product.add(one.name, worth)
    for key in shown:
        found.pop(key, None)
    return best_first(found.values())


def best_first(found: Iterable[Found]) -> list[Found]:
    """By score, ties by key."""
    return sorted(found, key=lambda one: (-one.score, one.product_id))


def paged(found: Sequence[Found], query: Query) -> tuple[list[Found], list[Found]]:
    """The page, best first, and what comes after it: what would have come next goes first.

    Args:
        found: the best first.
    """
    if not query.after.tail:
        return list(found[: query.count]), list(found[query.count :])
    places = {key: place for place, key in enumerate(query.after.tail)}
    in_turn = sorted(found, key=lambda one: places.get(one.product_id, len(places)))
    return best_first(in_turn[: query.count]), in_turn[query.count :]
