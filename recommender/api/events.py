"""Events on the way in."""

from typing import Any

from django.http import HttpResponse
from ninja import Router, Schema

from recommender.api import codec, rows
from recommender.api.auth import ApiRequest, any_key
from recommender.api.rows import Bad
from recommender.api.schemas import EventIn
from recommender.history import ingest
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


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        EventIn.model_json_schema(),
                        {"type": "array", "items": EventIn.model_json_schema()},
                    ]
                }
            }
        },
    }
}


@router.post("/events", response={202: IngestOut}, summary="Send events", openapi_extra=_BODY)
def post_events(request: ApiRequest) -> HttpResponse:
    """One event, a list of them, or one a line. A repeat of an `id` changes nothing."""
    catalog = request.auth.catalog
    given = rows.read(request)
    checked = [_checked(catalog, row) for row in given]
    places = rows.positions(checked)
    events = [event for event in checked if not isinstance(event, Bad)]
    outcomes = dict(zip(places, ingest.ingest(catalog, events), strict=True))
    results = [
        _result(row, outcomes[place] if place in outcomes else checked[place])
        for place, row in enumerate(given)
    ]
    counts = {
        status: sum(result["status"] == status for result in results)
        for status in ("accepted", "duplicate", "rejected")
    }
    return codec.respond({**counts, "results": results}, 202)


def _checked(catalog: Catalog, row: Any) -> NewEvent | Bad:
    event = rows.validate(EventIn, row)
    if isinstance(event, Bad):
        return event
    if event.type not in catalog.event_weights:
        known = ", ".join(catalog.event_weights)
        return Bad(f"type: {event.type[:50]!r} is not a type of event; use one of {known}")
    return NewEvent(**event.model_dump())


def _result(row: Any, outcome: Any) -> dict[str, Any]:
    client_id = row.get("id") if isinstance(row, dict) else None
    if isinstance(outcome, Bad):
        return {"id": client_id, "status": "rejected", "reason": outcome.reason}
    if outcome == ingest.UNKNOWN_PRODUCT:
        return {"id": client_id, "status": "rejected", "reason": outcome}
    return {"id": client_id, "status": outcome}
