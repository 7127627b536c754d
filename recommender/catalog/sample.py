"""Loading the sample store into a catalog of its own."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from django.db import transaction
from django.utils import timezone

from recommender import demo
from recommender.catalog import attributes, catalogs, placements, upsert
from recommender.catalog.catalogs import announce_changes
from recommender.demo import EventRow
from recommender.history import ingest
from recommender.history.ingest import NewEvent
from recommender.models import Catalog, User
from recommender.retrieval import tallies, vocabulary

NAME = "demo"
_CHUNK = 5000


def load() -> Catalog:
    """The sample catalog, made with its products and simulated shoppers if it is not there."""
    existing = Catalog.objects.filter(name=NAME).first()
    if existing is not None:
        _publish_placements(existing)
        return existing
    with transaction.atomic():
        catalog = catalogs.create_catalog(NAME)
        Catalog.objects.filter(pk=catalog.pk).update(in_shop=True)
        catalog.in_shop = True
        products = demo.load_products()
        attributes.declare(catalog, attributes.inferred_of(products))
        upsert.upsert(catalog, products)
        _load_shoppers(catalog)
        # Shoppers of the last four months, as seen from the day the demo is first started.
        for chunk in _chunks(demo.read_events(end=timezone.now())):
            ingest.ingest(catalog, [_event(row) for row in chunk])
        tallies.refresh(catalog)
        vocabulary.count(catalog)
        announce_changes(catalog)
        _publish_placements(catalog)
    return catalog


def remove() -> bool:
    """Delete the sample catalog; False where there is none."""
    catalog = Catalog.objects.filter(name=NAME).first()
    if catalog is None:
        return False
    catalogs.delete_catalog(catalog)
    return True


def _publish_placements(catalog: Catalog) -> None:
    """Those that the shop names, as far as they are not there: whatever else somebody made of
    them stays."""
    for name, document in demo.PLACEMENTS.items():
        if placements.find(catalog, name) is None:
            placement, _ = placements.put(catalog, name, document)
            placements.publish(placement, "sample store")


def _load_shoppers(catalog: Catalog) -> None:
    User.objects.bulk_create(
        User(catalog=catalog, external_id=shopper.external_id, attributes=shopper.attributes)
        for shopper in demo.shoppers(demo.SEED)
    )


def _event(row: EventRow) -> NewEvent:
    return NewEvent(
        id=row["id"],
        type=row["type"],
        user=row["user"],
        product=row["product"],
        at=datetime.fromisoformat(row["at"]),
        quantity=row.get("quantity"),
    )


def _chunks(rows: Iterator[EventRow]) -> Iterator[Sequence[EventRow]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
