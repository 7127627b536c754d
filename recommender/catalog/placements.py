"""Placements of a catalog: the draft is written, published, and an older version restored."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from recommender.models import Catalog, Placement, PlacementVersion

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

MOST_PLACEMENTS = 200


class TooManyPlacementsError(Exception):
    """The catalog has as many as it may have."""


class UnknownVersionError(LookupError):
    """The placement was never published under this number."""


def put(catalog: Catalog, name: str, document: Mapping[str, Any]) -> tuple[Placement, bool]:
    """Write the draft of a placement.

    Returns:
        The placement, and whether it is a new one.

    Raises:
        TooManyPlacementsError: it would be one too many.
    """
    with transaction.atomic():
        # Whoever makes one beside this waits, and is counted.
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        placement = Placement.objects.filter(catalog=catalog, name=name).first()
        if placement is None:
            if Placement.objects.filter(catalog=catalog).count() >= MOST_PLACEMENTS:
                raise TooManyPlacementsError
            made = Placement.objects.create(catalog=catalog, name=name, draft=dict(document))
            return made, True
        if placement.draft != document:
            placement.draft = dict(document)
            placement.save(update_fields=["draft", "updated_at"])
        return placement, False


def publish(placement: Placement, by: str) -> PlacementVersion:
    """Have the draft serve; where it serves already, the version that it is.

    Args:
        by: who publishes, for the history.
    """
    with transaction.atomic():
        locked = Placement.objects.select_for_update().get(pk=placement.pk)
        return _publish(locked, locked.draft, by)


def roll_back(placement: Placement, number: int, by: str) -> PlacementVersion:
    """Have an older version serve again, as a new one; the draft becomes the same.

    Raises:
        UnknownVersionError: there is no version of this number.
    """
    with transaction.atomic():
        locked = Placement.objects.select_for_update().get(pk=placement.pk)
        older = locked.versions.filter(number=number).first()
        if older is None:
            raise UnknownVersionError
        locked.draft = older.document
        locked.save(update_fields=["draft", "updated_at"])
        placement.draft = older.document
        return _publish(locked, older.document, by, restores=number)


def _publish(
    placement: Placement, document: Any, by: str, restores: int | None = None
) -> PlacementVersion:
    live = placement.versions.first()
    if live is not None and live.document == document:
        return live
    return PlacementVersion.objects.create(
        placement=placement,
        number=1 if live is None else live.number + 1,
        document=document,
        restores=restores,
        published_by=by,
    )


def find(catalog: Catalog, name: str) -> Placement | None:
    """The placement of this name."""
    return Placement.objects.filter(catalog=catalog, name=name).first()


def live(placement: Placement) -> PlacementVersion | None:
    """The version that serves; None where none was ever published."""
    return placement.versions.first()


def served(catalog_id: int, name: str, number: int | None = None) -> PlacementVersion | None:
    """The version of a placement with this number, or the live one: one statement."""
    found = PlacementVersion.objects.filter(
        placement__catalog_id=catalog_id, placement__name=name
    ).order_by("-number")
    return (found if number is None else found.filter(number=number)).first()


class Live(TypedDict):
    """The version that serves; None of a placement that was never published."""

    live_number: int | None
    live_document: dict[str, Any] | None


if TYPE_CHECKING:
    WithLive = WithAnnotations[Placement, Live]


def with_live(found: QuerySet[Placement]) -> "QuerySet[WithLive]":
    """The placements, each with the version that serves; one statement."""
    versions = PlacementVersion.objects.filter(placement=OuterRef("pk")).order_by("-number")
    return found.annotate(
        live_number=Subquery(versions.values("number")[:1]),
        live_document=Subquery(versions.values("document")[:1]),
    )


def operations(catalog_id: int) -> dict[str, str]:
    """By the names of a catalog's placements that serve, the lists that they are of."""
    return {
        placement.name: placement.live_document["operation"]
        for placement in with_live(Placement.objects.filter(catalog_id=catalog_id))
        if placement.live_document is not None
    }


def names(catalog_id: int, *, published: bool) -> list[str]:
    """The names of a catalog's placements: all, or those that serve."""
    found = Placement.objects.filter(catalog_id=catalog_id)
    if published:
        found = found.filter(versions__isnull=False).distinct()
    return list(found.order_by("name").values_list("name", flat=True))
