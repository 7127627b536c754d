"""Users, and the events that they cause, over REST."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec, lines, problems, user_tokens
from recommender.api.auth import ApiRequest, any_key, server_key
from recommender.api.documentation import documented_rows
from recommender.api.fields import PathId
from recommender.api.problems import Problem
from recommender.api.schemas import (
    EventIn,
    RowError,
    UserIn,
    positions,
    read_lines,
    read_rows,
    validate_rows,
)
from recommender.history import ingest
from recommender.history.erasure import erase
from recommender.history.ingest import NewEvent, event_refusal
from recommender.models import Catalog, User

router = Router(tags=["users"], auth=server_key)


@router.put("/users/{id:user_id}", summary="Add or replace a user")
def put_user(request: ApiRequest, user_id: PathId, user: UserIn) -> HttpResponse:
    """Set a user's attributes. Users also appear by themselves with their first event."""
    codec.check_known(request, ())
    if len(codec.encode(user.attributes)) > settings.PRODUCT_BYTES:
        detail = (
            f"The attributes have more than {settings.PRODUCT_BYTES // 1024:,} KB; send fewer or "
            "shorter ones, or raise KINSHIP_PRODUCT_KB."
        )
        raise Problem(413, "too-large", detail)
    row, created = User.objects.update_or_create(
        catalog=request.auth.catalog,
        external_id=user_id,
        defaults={"attributes": user.attributes, "is_anonymous": False},
    )
    return codec.respond(_shown(row), 201 if created else 200)


@router.get("/users/{id:user_id}", summary="A user")
def get_user(request: ApiRequest, user_id: PathId) -> HttpResponse:
    """A user's attributes and the time of their last event."""
    codec.check_known(request, ())
    return codec.respond(_shown(_find(request.auth.catalog, user_id)))


@router.delete("/users/{id:user_id}", response={204: None}, summary="Erase a user")
def delete_user(request: ApiRequest, user_id: PathId) -> HttpResponse:
    """Erase all that is held about a user, for good; the next training forgets what it learnt."""
    codec.check_known(request, ())
    if not erase(request.auth.catalog, user_id):
        raise problems.unknown_user(user_id)
    return HttpResponse(status=204)


def _find(catalog: Catalog, user_id: str) -> User:
    user = User.objects.filter(catalog=catalog, external_id=user_id).first()
    if user is None:
        raise problems.unknown_user(user_id)
    return user


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.external_id,
        "attributes": user.attributes,
        "last_event_at": user.last_event_at,
    }


_NOT_STORED = "not_stored"


@dataclass(frozen=True, slots=True)
class _WithheldError(RowError):
    """An event that is right, of somebody who does not want it stored."""

    reason: str = "consent is false: nothing of it is stored"


events_router = Router(tags=["events"], auth=any_key)
_OUTCOMES = (ingest.ACCEPTED, ingest.DUPLICATE, lines.REJECTED, _NOT_STORED)


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
    not_stored: Annotated[
        int, Field(description="Right, and without the consent of whom they are of.")
    ]
    results: list[OutcomeOut]


@events_router.post(
    "/events",
    response={202: IngestOut},
    summary="Send events",
    openapi_extra=documented_rows(EventIn) | user_tokens.DOCUMENTED,
)
def post_events(request: ApiRequest) -> HttpResponse:
    """One event, a list of them, or one a line. A repeat of an `id` changes nothing.

    One without `consent` is checked and not stored. Of several, what is refused is counted and said
    one by one; one alone is refused as a whole. A browser key sends events of its user token's
    user; without one only what a page sees happen, of users whom the shop's server does not know.
    One a line and with `Accept: application/x-ndjson` a server key sends any number of them, and
    each is answered by a line of its own.
    """
    codec.check_known(request, ())
    if lines.are_wanted(request):
        return lines.respond(request, take_in(request, read_lines(request)), _OUTCOMES, 202)
    rows = read_rows(request)
    given = rows.values
    results = take_in(request, given)
    if rows.is_single and results[0]["status"] == lines.REJECTED:
        raise _refusal(given[0], results[0]["reason"])
    counts = {status: sum(result["status"] == status for result in results) for status in _OUTCOMES}
    return codec.respond({**counts, "results": results}, 202)


def take_in(request: ApiRequest, given: Sequence[Any]) -> list[dict[str, Any]]:
    """Store the events that a caller may send; what became of each, as it is answered."""
    catalog, sender = request.auth.catalog, _Sender.of(request)
    checked = [_checked(catalog, row, sender) for row in given]
    places = positions(checked)
    events = [event for event in checked if not isinstance(event, RowError)]
    stored = ingest.ingest(catalog, events, anonymous=sender.is_anonymous)
    outcomes = dict(zip(places, stored, strict=True))
    return [
        _result(row, event, outcomes.get(place))
        for place, (row, event) in enumerate(zip(given, checked, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who sends events."""

    is_browser: bool
    user: str | None  # whom the user token of a browser is for

    @classmethod
    def of(cls, request: ApiRequest) -> "_Sender":
        is_browser = request.auth.is_public
        return cls(is_browser, user_tokens.user_of(request) if is_browser else None)

    @property
    def is_anonymous(self) -> bool:
        return self.is_browser and self.user is None

    @property
    def oldest(self) -> timedelta | None:
        return settings.OLDEST_BROWSER_EVENT if self.is_browser else None

    def refusal(self, catalog: Catalog, event: EventIn) -> str | None:
        """Why this sender may not send an event that is right; None where they may."""
        if self.user is not None and event.user != self.user:
            return f"user is not the one of the user token. {user_tokens.NEEDED}"
        if self.is_anonymous and event.type not in catalog.browser_event_types:
            allowed = ", ".join(catalog.browser_event_types) or "nothing"
            return (
                f"type is not one that a browser key sends without a user token ({allowed}). "
                f"{user_tokens.NEEDED}"
            )
        return None


_KNOWN_USER = f"user is known to the shop's server. {user_tokens.NEEDED}"


def _checked(catalog: Catalog, row: Any, sender: _Sender) -> NewEvent | RowError:
    event = validate_rows(EventIn, row)
    if isinstance(event, RowError):
        return event
    refused = event_refusal(
        catalog.event_weights,
        type=event.type,
        user=event.user,
        product=event.product,
        at=event.at,
        quantity=event.quantity,
        value=event.value,
        oldest=sender.oldest,
        rating_scale=catalog.rating_scale,
    )
    reason = " ".join(refused) if refused is not None else sender.refusal(catalog, event)
    if reason is not None:
        return RowError(reason)
    return NewEvent(**event.model_dump(exclude={"consent"})) if event.consent else _WithheldError()


# Of outcomes that are none for the sender to be content with.
_REASONS = {
    ingest.UNKNOWN_PRODUCT: ingest.UNKNOWN_PRODUCT,
    ingest.KNOWN_USER: _KNOWN_USER,
}


def _result(row: Any, event: NewEvent | RowError, outcome: str | None) -> dict[str, Any]:
    if isinstance(event, RowError):
        status = _NOT_STORED if isinstance(event, _WithheldError) else lines.REJECTED
        return {"id": _given_id(row), "status": status, "reason": event.reason}
    if outcome in _REASONS:
        return {"id": event.id, "status": lines.REJECTED, "reason": _REASONS[outcome]}
    return {"id": event.id, "status": outcome}


def _refusal(row: dict[str, Any], reason: str) -> Problem:
    """What is answered where the only event is refused."""
    if reason == ingest.UNKNOWN_PRODUCT:
        return problems.unknown_product(str(row["product"]))
    if reason.endswith(user_tokens.NEEDED):
        return Problem(403, "needs-user-token", reason)
    return Problem(400, "invalid", reason)


def _given_id(row: Any) -> str | None:
    """The id of a row that is no event, where it has one to be known by."""
    given = row.get("id") if isinstance(row, dict) else None
    return str(given) if isinstance(given, str | int | float) else None
