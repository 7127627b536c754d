"""What was published of a placement, when and by whom, and what changed."""

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from recommender.admin import fragments
from recommender.admin.confirmation import ActionError, Question
from recommender.admin.fragments import Table
from recommender.catalog import placement_changes, placements
from recommender.catalog.placements import UnknownVersionError
from recommender.models import Placement, PlacementVersion

_SHOWN = 50


def versions(placement: Placement, *, may_change: bool) -> Table:
    """The versions, the live one first."""
    found = list(placement.versions.all()[: _SHOWN + 1])
    befores = [one.document for one in found[1:]] + [placement_changes.NOTHING]
    rows = [
        _row(version, placement_changes.changes(before, version.document), may_change and place > 0)
        for place, (version, before) in enumerate(zip(found[:_SHOWN], befores, strict=False))
    ]
    return Table(["Version", "Published", "By", "What changed", ""], rows)


def _row(version: PlacementVersion, changes: list[str], may_restore: bool) -> list[Any]:
    restored = f"version {version.restores} again" if version.restores else ""
    name = "admin:recommender_placement_again"
    again: SafeString | str = ""
    if may_restore:
        place = reverse(name, args=[version.placement_id, version.number])
        again = format_html('<a class="text-link" href="{}">Publish again</a>', place)
    told = [*([restored] if restored else []), *changes]
    return [
        version.number,
        fragments.moment(version.published_at),
        version.published_by or "-",
        lines(told),
        again,
    ]


def lines(told: list[str]) -> SafeString:
    """One a line."""
    joined = format_html_join(SafeString("<br>"), "{}", ((one,) for one in told))
    return format_html('<div class="max-w-xl whitespace-normal break-words">{}</div>', joined)


def log(placement: Placement) -> Table:
    """Who changed the draft in the admin, the latest first."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Placement), object_id=str(placement.pk)
    ).select_related("user")[:_SHOWN]
    rows = [
        [
            fragments.moment(entry.action_time),
            entry.user.get_username(),
            lines(entry.get_change_message().split("; ")),
        ]
        for entry in entries
    ]
    return Table(["When", "Who", "What"], rows)


def question(placement: Placement, number: int) -> Question:
    """What is asked before an older version serves again."""
    return Question(
        title=f"Publish version {number} of {placement.name} again",
        text="It serves within a second, as a new version. The draft becomes the same.",
        button="Publish again",
    )


def roll_back(placement: Placement, number: int, by: str) -> PlacementVersion:
    """See `placements`.

    Raises:
        ActionError: there is no such version.
    """
    try:
        return placements.roll_back(placement, number, by)
    except UnknownVersionError as exc:
        raise ActionError(f"There is no version {number}.") from exc
