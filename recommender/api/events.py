"""Events on the way in."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from ninja import Router, Schema

from recommender.api import codec, rows
from recommender.api.auth import BROWSER, ApiRequest, any_key
from recommender.api.rows import RowError
from recommender.api.schemas import EventIn
from recommender.history import event_rules, ingest
from recommender.history.ingest import NewEvent
from recommender.models import Catalog

router = Router(tags=["events"], auth=any_key)


class OutcomeOut(Schema):
    """What became of one event."""

    id: str | None
    status: str
    reason: str | None = None


class IngestOut(Schema):
    """What became of the events, counted and one by one, in order."""

    accepted: int
    duplicate: int
    rejected: int
    results: list[OutcomeOut]


@router.post(
    "/events",
    response={202: IngestOut},
    summary="Send events",
    openapi_extra=rows.documented(EventIn),
)
def post_events(request: ApiRequest) -> HttpResponse:
    """One event, a list of them, or one a line. A repeat of an `id` changes nothing."""
    catalog = request.auth.catalog
    given = rows.read(request)
    oldest = settings.OLDEST_BROWSER_EVENT if request.auth.scope == BROWSER else None
    checked = [_checked(catalog, row, oldest) for row in given]
    places = rows.positions(checked)
    events = [event for event in checked if not isinstance(event, RowError)]
    outcomes = dict(zip(places, ingest.ingest(catalog, events), strict=True))
    results = [
        _result(row, event, outcomes.get(place))
        for place, (row, event) in enumerate(zip(given, checked, strict=True))
    ]
    counts = {
        status: sum(result["status"] == status for result in results)
        for status in ("accepted", "duplicate", "rejected")
    }
    return codec.respond({**counts, "results": results}, 202)


def _checked(catalog: Catalog, row: Any, oldest: timedelta | None) -> NewEvent | RowError:
    event = rows.validate(EventIn, row)
    if isinstance(event, RowError):
        return event
    if event.type not in catalog.event_weights:
        known = ", ".join(catalog.event_weights)
        return RowError(f"type: {event.type[:50]!r} is not a type of event; use one of {known}")
    refused = event_rules.refusal(
        type=event.type,
        product=event.product,
        at=event.at,
        quantity=event.quantity,
        value=event.value,
        oldest=oldest,
    )
    return NewEvent(**event.model_dump()) if refused is None else RowError(": ".join(refused))


def _result(row: Any, event: NewEvent | RowError, outcome: str | None) -> dict[str, Any]:
    if isinstance(event, RowError):
        return {"id": _given_id(row), "status": "rejected", "reason": event.reason}
    if outcome == ingest.UNKNOWN_PRODUCT:
        return {"id": event.id, "status": "rejected", "reason": outcome}
    return {"id": event.id, "status": outcome}


def _given_id(row: Any) -> str | None:
    """The id of a row that is no event, where it has one to be known by."""
    given = row.get("id") if isinstance(row, dict) else None
    return str(given) if isinstance(given, str | int | float) else None
