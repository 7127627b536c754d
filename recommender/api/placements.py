"""Placements over REST: drafts, publishing, and going back to what was."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec, optional_body, placement_checks
from recommender.api.auth import ApiRequest, managing_key
from recommender.api.fields import AS_WHOLE
from recommender.api.placement_requests import NAME, PlacementIn
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.catalog import placements
from recommender.catalog.placements import TooManyPlacementsError, UnknownVersionError
from recommender.models import Placement, PlacementVersion

if TYPE_CHECKING:
    from recommender.catalog.placements import WithLive

router = Router(tags=["placements"], auth=managing_key)

Name = Annotated[str, Field(pattern=NAME)]
# Who publishes by REST is the shop's server.
_BY = "API"
MOST_VERSIONS = 100


class WarningOut(Schema):
    """What contradicts itself, or acts in vain."""

    kind: str
    rules: Annotated[list[str], Field(description="The ids of those that it is about.")]
    message: str


class DocumentOut(Schema):
    """What a placement says."""

    operation: str
    defaults: dict[str, Any]
    fallback: str | None
    rules: list[dict[str, Any]]


class PlacementOut(Schema):
    """A placement: its draft, and the version that serves."""

    name: str
    draft: DocumentOut
    live: Annotated[DocumentOut | None, Field(description="Null until it is published.")]
    live_version: int | None
    is_changed: Annotated[bool, Field(description="Whether the draft is not what serves.")]
    warnings: Annotated[
        list[WarningOut], Field(description="Of the draft, to see to before it is published.")
    ]
    updated_at: datetime


class PlacementSummaryOut(Schema):
    """A placement in short."""

    name: str
    operation: str
    live_version: int | None
    is_changed: bool
    updated_at: datetime


class PlacementsOut(Schema):
    """All placements of the catalog, by name."""

    items: list[PlacementSummaryOut]


class VersionOut(Schema):
    """What was published under a number."""

    version: int
    document: DocumentOut
    restores: Annotated[
        int | None, Field(description="The version that was published again, if one was.")
    ]
    published_at: datetime
    published_by: str


class VersionsOut(Schema):
    """The latest versions, the live one first."""

    items: list[VersionOut]


class RollbackIn(Strict):
    """Which version is to serve again."""

    version: Annotated[int, Field(strict=True, ge=1, lt=2**31), AS_WHOLE]


@router.get("/placements", response=PlacementsOut, summary="Placements")
def get_placements(request: ApiRequest) -> HttpResponse:
    """All placements of the catalog, by name."""
    codec.check_known(request, ())
    found = placements.with_live(Placement.objects.filter(catalog=request.auth.catalog))
    return codec.respond({"items": [_summary(placement) for placement in found]})


@router.get("/placements/{name}", response=PlacementOut, summary="A placement")
def get_placement(request: ApiRequest, name: Name) -> HttpResponse:
    """The draft, what serves, and what to see to before publishing."""
    codec.check_known(request, ())
    return codec.respond(_document(request, _find(request, name)))


@router.put(
    "/placements/{name}",
    response={200: PlacementOut, 201: PlacementOut},
    summary="Write a draft",
)
def put_placement(request: ApiRequest, name: Name, ask: PlacementIn) -> HttpResponse:
    """Write the draft of a placement, which serves once it is published.

    Defaults and rules are checked as the request of the list would be.
    """
    codec.check_known(request, ())
    placement_checks.check(request.auth, ask)
    try:
        placement, is_new = placements.put(request.auth.catalog, name, ask.document())
    except TooManyPlacementsError as exc:
        detail = f"A catalog has at most {placements.MOST_PLACEMENTS} placements; delete one."
        raise Problem(409, "too-many-placements", detail) from exc
    return codec.respond(_document(request, placement), 201 if is_new else 200)


@router.delete("/placements/{name}", response={204: None}, summary="Delete a placement")
def delete_placement(request: ApiRequest, name: Name) -> HttpResponse:
    """Delete it with its history; requests that name it are refused from then on."""
    codec.check_known(request, ())
    _find(request, name).delete()
    return HttpResponse(status=204)


@router.post(
    "/placements/{name}/publish",
    response=VersionOut,
    summary="Publish the draft",
    openapi_extra=optional_body.documented(optional_body.EMPTY),
)
def publish_placement(request: ApiRequest, name: Name) -> HttpResponse:
    """Have the draft serve, within a second; what serves already is published once."""
    codec.check_known(request, ())
    optional_body.check_empty(request)
    return codec.respond(_version(placements.publish(_find(request, name), _BY)))


@router.post(
    "/placements/{name}/rollback", response=VersionOut, summary="Publish an older version again"
)
def roll_back_placement(request: ApiRequest, name: Name, ask: RollbackIn) -> HttpResponse:
    """Have an older version serve again, as a new version; the draft becomes the same."""
    codec.check_known(request, ())
    placement = _find(request, name)
    try:
        return codec.respond(_version(placements.roll_back(placement, ask.version, _BY)))
    except UnknownVersionError as exc:
        detail = f"The placement {name!r} has no version {ask.version}."
        errors = [{"where": "body.version", "message": detail}]
        raise Problem(404, "unknown-version", detail, errors=errors) from exc


@router.get("/placements/{name}/versions", response=VersionsOut, summary="What was published when")
def get_versions(request: ApiRequest, name: Name) -> HttpResponse:
    """The latest 100 versions of a placement, the live one first."""
    codec.check_known(request, ())
    found = _find(request, name).versions.all()[:MOST_VERSIONS]
    return codec.respond({"items": [_version(version) for version in found]})


def _find(request: ApiRequest, name: str) -> Placement:
    placement = placements.find(request.auth.catalog, name)
    if placement is None:
        known = ", ".join(placements.names(request.auth.catalog.pk, published=False)) or "none"
        detail = f"There is no placement {name!r}; there are: {known}."
        raise Problem(404, "unknown-placement", detail)
    return placement


def _summary(placement: "WithLive") -> dict[str, object]:
    return {
        "name": placement.name,
        "operation": placement.draft["operation"],
        "live_version": placement.live_number,
        "is_changed": placement.live_document != placement.draft,
        "updated_at": placement.updated_at,
    }


def _document(request: ApiRequest, placement: Placement) -> dict[str, object]:
    live = placements.live(placement)
    return {
        "name": placement.name,
        "draft": placement.draft,
        "live": None if live is None else live.document,
        "live_version": None if live is None else live.number,
        "is_changed": live is None or live.document != placement.draft,
        "warnings": placement_checks.warnings(request.auth, placement.draft),
        "updated_at": placement.updated_at,
    }


def _version(version: PlacementVersion) -> Mapping[str, object]:
    return {
        "version": version.number,
        "document": version.document,
        "restores": version.restores,
        "published_at": version.published_at,
        "published_by": version.published_by,
    }
