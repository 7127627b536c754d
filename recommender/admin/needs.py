"""What needs a person: parts that are down, catalogs that are not trained, refused products.

Each is a `Notice` with the pages where something can be done about it. What stops embedding is
`embedding.notices`, and what failed of feeds `feed.notices`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.urls import reverse

from recommender.admin import counts, quarantine
from recommender.admin.embedding import Notice, Part
from recommender.models import TrainingRun
from recommender.spaces.lifecycle import living

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog

_ADVICE = {
    "Workers": "Nothing is embedded, imported or trained until one runs; lists go on with what "
    "there is. ./kinship up starts them, worker.log says why they ended.",
    "Beat": "What is done by a schedule, such as the nightly training, is not. ./kinship up starts "
    "it, beat.log says why it ended.",
    "Broker": "Workers are not told of anything. Start it, or set BROKER_URL right.",
    "Archive": "A restore to a point in time ends before that. ./kinship doctor says more.",
}

May = Callable[[str], bool]


def of_parts(parts: Sequence[Part]) -> list[Notice]:
    """The parts of the service that do not work, and what that means."""
    return [
        Notice(
            "danger",
            f"{part.name}: {part.trouble.lower()}",
            f"{part.detail[:1].upper()}{part.detail[1:]}. {_ADVICE.get(part.name, '')}".strip(),
            [("Parts of the service", "#parts")],
        )
        for part in parts
        if not part.works
    ]


def of_catalogs(
    catalogs: Sequence["CountedCatalog"], trained: Mapping[int, TrainingRun], may: May
) -> list[Notice]:
    """What catalogs need, by name; one statement.

    Args:
        trained: the latest training by catalog.
        may: whether the person who looks has a permission.
    """
    notices = [
        notice
        for catalog in catalogs
        if (notice := _training(catalog, trained.get(catalog.pk), may)) is not None
    ]
    if may("recommender.view_quarantinedproduct"):
        notices += _quarantined([catalog.pk for catalog in catalogs])
    return notices


def _training(catalog: "CountedCatalog", run: TrainingRun | None, may: May) -> Notice | None:
    has_failed = run is not None and run.status == TrainingRun.Status.FAILED
    if not catalog.event_count or not (run is None or has_failed):
        return None
    links = []
    if may("recommender.add_trainingrun"):
        address = reverse("admin:recommender_catalog_train", args=[catalog.pk])
        links.append(("Train now", address))
    if run is not None and may("recommender.view_trainingrun"):
        page = reverse("admin:recommender_trainingrun_change", args=[run.pk])
        links.append(("What went wrong", page))
    if run is not None:
        title, text = f"The training of {catalog} failed", run.error
        return Notice("danger", title, f"{text} Lists go on with what was learnt before.", links)
    text = "Its lists go by content and by what is popular, and learn nothing of what users did."
    return Notice("warning", f"{catalog} has never been trained", text, links)


def _quarantined(catalog_ids: Sequence[int]) -> list[Notice]:
    spaces = living().filter(catalog__in=catalog_ids).select_related("catalog")
    counted = counts.of_quarantine(spaces.order_by("catalog__name", "name"))
    return [
        Notice(
            "warning",
            f"In quarantine: {counts.quarantined(space.quarantined_count)} of {space.catalog}'s "
            "products",
            f"The model of {space} refused them: no list that goes by it has them. The page says "
            "why; correct them, or have it try again.",
            [("Quarantine", quarantine.address(space))],
        )
        for space in counted
        if space.quarantined_count
    ]
