"""The sample store's simulated shoppers look at real lists, so that there is an effect to see."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from random import Random
from uuid import NAMESPACE_URL, UUID, uuid5

from django.utils import timezone

from recommender import demo
from recommender.demo import Product, Shopper
from recommender.demo.visits import Reaction, looks, react
from recommender.effect import counting
from recommender.engine import recommendation_log
from recommender.engine.answer import Answer, Query
from recommender.engine.answer_log import new_id
from recommender.engine.recommend import recommend
from recommender.engine.recommendation_log import Entry, Placed
from recommender.engine.related import similar
from recommender.history import ingest
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, Recommendation

_COUNT = 8
_HOME, _PRODUCT_PAGE = Placed("home"), Placed("product")


def visit(catalog: Catalog) -> None:
    """Have the shoppers look at lists for some weeks up to now, and count what came of it.

    The lists are what the engine answers each of them now; that they were shown earlier, and what
    was done with them, is simulated. Done once: where anything was shown already, nothing is.
    """
    if Recommendation.objects.filter(catalog=catalog).exists():
        return
    products = {product["id"]: product for product in demo.load_products()}
    entries: list[Entry] = []
    events: list[NewEvent] = []
    for shopper in demo.shoppers(demo.SEED):
        # Seeded by text, which Random hashes alike in every process.
        rng = Random(f"{demo.SEED}:lists:{shopper.external_id}")  # noqa: S311 - a simulation
        for entry, reaction in _looked(catalog, shopper, products, timezone.now(), rng):
            if reaction is None:
                entries.append(entry)
            else:
                events.append(_event(shopper, entry.rec_id, reaction, len(events)))
    recommendation_log.write(entries)
    ingest.ingest(catalog, events)
    counting.recount(catalog)


def _looked(
    catalog: Catalog,
    shopper: Shopper,
    products: Mapping[str, Product],
    end: datetime,
    rng: Random,
) -> Iterator[tuple[Entry, Reaction | None]]:
    """The lists that a shopper sees, and after each what they do with it."""
    query = Query(count=_COUNT)
    home = recommend(catalog, shopper.external_id, query)
    if not home.items:
        return
    beside = similar(catalog, home.items[0].id, query)
    places = (("for_user", _HOME, home), ("similar", _PRODUCT_PAGE, beside))
    for at in looks(shopper, end, rng):
        operation, placed, answer = places[rng.random() < 0.4]
        entry = _entry(catalog, operation, placed, answer, shopper, at)
        if entry is None:
            continue
        yield entry, None
        listed = [products[item.id] for item in answer.items if item.id in products]
        yield from ((entry, reaction) for reaction in react(shopper, listed, at, rng))


def _entry(
    catalog: Catalog,
    operation: str,
    placed: Placed,
    answer: Answer,
    shopper: Shopper,
    at: datetime,
) -> Entry | None:
    make = partial(recommendation_log.entry, count=_COUNT, user=shopper.external_id, placed=placed)
    return make(catalog, new_id(at), operation, answer)


def _event(shopper: Shopper, rec_id: UUID, reaction: Reaction, number: int) -> NewEvent:
    return NewEvent(
        id=str(uuid5(NAMESPACE_URL, f"simulated:{demo.SEED}:lists:{number}")),
        type=reaction.type,
        user=shopper.external_id,
        product=reaction.product,
        at=reaction.at,
        rec_id=rec_id if reaction.names_list else None,
        quantity=1 if reaction.type == "purchase" else None,
    )
