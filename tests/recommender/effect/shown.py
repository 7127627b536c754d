"""Lists that were shown and what users did then, in a few words."""

from datetime import datetime, timedelta
from uuid import UUID

from recommender.engine import recommendation_log
from recommender.engine.answer_log import new_id
from recommender.engine.recommendation_log import Entry, Placed
from recommender.history.ingest import NewEvent
from tests.shop import Shop

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def show(
    shop: Shop,
    at: datetime,
    *products: str,
    user: str | None = None,
    placement: str | None = "home",
    variant: str | None = None,
    source: str = "text",
) -> UUID:
    """A list that was answered then; its id."""
    rec_id = new_id(at)
    recommendation_log.write(
        [
            Entry(
                rec_id=rec_id,
                catalog_id=shop.catalog.pk,
                operation="for_user",
                placed=Placed(placement, 1 if placement else None, variant),
                user=user,
                items=[(product, source, 1.0, 1.0) for product in products],
                spaces=("text@1",),
                ranker=None,
            )
        ]
    )
    return rec_id


def did(
    kind: str,
    user: str,
    product: str,
    at: datetime,
    rec_id: UUID | None = None,
    *,
    value: float | None = None,
    quantity: float | None = None,
    id: str | None = None,  # noqa: A002 - the field's name
) -> NewEvent:
    """What a user did with a product."""
    return NewEvent(
        type=kind,
        user=user,
        product=product,
        at=at,
        rec_id=rec_id,
        value=value,
        quantity=quantity,
        id=id,
    )
