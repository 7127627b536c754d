"""What is bought with given products, and what completes them: the pipeline by baskets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from recommender.engine import backfill, control
from recommender.engine.answer import SEEN, Answer, Item, Query, UnknownProductError
from recommender.engine.candidates import BOUGHT_WITH, CHOSEN_WITH, GOES_WITH
from recommender.engine.config import BOUGHT as CONFIG
from recommender.engine.given_history import GivenEvent, asker, with_history
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.sources.substitutes import SubstituteSource
from recommender.engine.stored import StoredUser
from recommender.models import Catalog, ProductNeighbor, Space
from recommender.ranking.related import BoughtRanker
from recommender.spaces import switching

# The kinds of neighbours that are asked in turn. Where too little was bought together, what the
# same users chose stands in, and the answer says so in `fallback`.
BOUGHT, TOGETHER = str(ProductNeighbor.Kind.BOUGHT), str(ProductNeighbor.Kind.TOGETHER)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which products that go together with others are wanted."""

    reason: str  # the cause that a product is listed by
    avoids_substitutes: bool


BOUGHT_TOGETHER = Wanted(BOUGHT_WITH, avoids_substitutes=False)
COMPLEMENTS = Wanted(GOES_WITH, avoids_substitutes=True)


def bought(catalog: Catalog, external_id: str, query: Query, wanted: Wanted) -> Answer:
    """The available products that are bought with this one, most often first.

    Raises:
        UnknownProductError: where the catalog has no such product.
    """
    answer = for_cart(catalog, [external_id], query, wanted)
    if answer.missing_ids:
        raise UnknownProductError(external_id)
    return answer


def for_cart(
    catalog: Catalog,
    external_ids: Sequence[str],
    query: Query,
    wanted: Wanted = COMPLEMENTS,
    user: str | None = None,
) -> Answer:
    """The same for all of these products, none of which is listed.

    Ids that nobody knows are in `missing_ids`; of a user of whom the caller may not ask nothing is
    left out, and `degraded` says so.

    Args:
        user: whose own products `query.exclude` leaves out.
    """

    def make(asked: Query) -> Answer:
        return switching.answered(partial(_found, catalog, external_ids, wanted, user, asked))

    return control.controlled(catalog, query, make)


def completing(catalog: Catalog, cart: StoredUser, query: Query) -> Answer:
    """What completes the products of a history that was read already; no rules make it."""
    return switching.answered(partial(_completed, catalog, cart, query, COMPLEMENTS, ()))


def _found(
    catalog: Catalog,
    external_ids: Sequence[str],
    wanted: Wanted,
    user: str | None,
    query: Query,
) -> Answer:
    given = [GivenEvent(product=name, weight=1.0) for name in external_ids]
    cart, missing = with_history(catalog, None, given, replace(query, exclude=frozenset({SEEN})))
    asking = asker(catalog, user, query)
    if asking.user is not None:
        cart = replace(cart, excluded=np.union1d(cart.excluded, asking.user.excluded))
    degraded = {"user": asking.refusal} if asking.refusal else {}
    answer = _completed(catalog, cart, query, wanted, (*asking.missing, *missing))
    return replace(answer, degraded={**answer.degraded, **degraded})


def _completed(
    catalog: Catalog, cart: StoredUser, query: Query, wanted: Wanted, missing: tuple[str, ...]
) -> Answer:
    for kind, reason in ((BOUGHT, wanted.reason), (TOGETHER, CHOSEN_WITH)):
        named = replace(cart, types=[reason] * len(cart.types))
        items = _listed(catalog, named, query, wanted, kind)
        if items:
            fallback = None if kind == BOUGHT else TOGETHER
            return _answer(catalog, items, query, missing, fallback)
    excluded = cart.excluded.tolist()
    return backfill.fall_back(catalog, query, excluded=excluded, missing_ids=missing)


def _listed(
    catalog: Catalog, cart: StoredUser, query: Query, wanted: Wanted, kind: str
) -> list[Item]:
    """By the neighbours of one kind; content only tells what is a substitute."""
    is_content = [space for space in cart.spaces if space.kind != Space.Kind.BEHAVIOUR]
    spaces = tuple(is_content) if wanted.avoids_substitutes else ()
    store = PostgresStore(
        catalog=catalog,
        user=replace(cart, spaces=spaces),
        query=query,
        is_given=True,
        config=CONFIG,
        kinds=(kind,),
    )
    also = (SubstituteSource(spaces),) if wanted.avoids_substitutes else ()
    ranker = BoughtRanker(kind, avoids_substitutes=wanted.avoids_substitutes)
    return Pipeline(store, query.count, also=also).recommend(store.context(), ranker, explain=True)


def _answer(
    catalog: Catalog,
    items: Sequence[Item],
    query: Query,
    missing: tuple[str, ...],
    fallback: str | None,
) -> Answer:
    answer = backfill.complete(catalog, items, query, missing_ids=missing, fallback=fallback)
    if answer.complete:
        return answer
    number = len(items)
    listed = "1 product" if number == 1 else f"{number} products"
    passing = " that the filter matches" if query.filter else ""
    return replace(answer, reason=f"what was given goes with {listed}{passing}")
