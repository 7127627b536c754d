"""The first steps of a catalog: import, embed, train, key, first request; how far each is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from django.urls import reverse

from recommender import database
from recommender.models import Catalog, TrainingRun
from recommender.training.runs import UNFINISHED

if TYPE_CHECKING:
    from recommender.admin.counts import CountedCatalog

# More would push the figures off the screen.
_SHOWN = 3

# A key that ended was one, if it was used.
_REACHED = """
SELECT c.id,
    EXISTS (SELECT FROM recommender_trainingrun r WHERE r.catalog_id = c.id AND r.status = 'done'),
    EXISTS (SELECT FROM recommender_apikey k WHERE k.catalog_id = c.id AND k.revoked_at IS NULL
        AND (k.expires_at IS NULL OR k.expires_at > now())),
    EXISTS (SELECT FROM recommender_apikey k WHERE k.catalog_id = c.id
        AND k.last_used_at IS NOT NULL)
FROM unnest(%s::bigint[]) c(id)
"""

May = Callable[[str], bool]
Link = tuple[str, str]


class State(Enum):
    """How far a step is: the word of its label, and the label's kind."""

    DONE = ("Done", "success")
    GOES_ON = ("Goes on", "info")
    NEXT = ("Next", "warning")
    LATER = ("Later", "primary")

    @property
    def label(self) -> str:
        """The word."""
        return self.value[0]

    @property
    def kind(self) -> str:
        """As `fragments.badge` takes it."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step, what there is to say of it, and what does it."""

    title: str
    state: State
    text: str
    links: Sequence[Link] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """The first steps of a catalog, in their order."""

    catalog: Catalog
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class _Reached:
    is_trained: bool
    has_key: bool
    was_asked: bool


def checklists(
    catalogs: Sequence["CountedCatalog"], trained: Mapping[int, TrainingRun], may: May
) -> list[Checklist]:
    """Of the first of these catalogs that was never trained or never asked; one statement.

    Args:
        trained: the latest training by catalog.
        may: whether the person who looks has a permission.
    """
    rows = database.fetch(_REACHED, ([catalog.pk for catalog in catalogs],))
    reached = {catalog: _Reached(*rest) for catalog, *rest in rows}
    begun = [
        catalog
        for catalog in catalogs
        if not (reached[catalog.pk].is_trained and reached[catalog.pk].was_asked)
    ]
    return [
        Checklist(catalog, _ordered(_steps(catalog, reached[catalog.pk], trained, may)))
        for catalog in begun[:_SHOWN]
    ]


def _ordered(steps: Sequence[Step]) -> list[Step]:
    """The steps, of which the first that is to be done is next, and the others are later."""
    first = next((step for step in steps if step.state is State.NEXT), None)
    return [
        Step(title=step.title, state=State.LATER, text=step.text)
        if step.state is State.NEXT and step is not first
        else step
        for step in steps
    ]


def _steps(
    catalog: "CountedCatalog", reached: _Reached, trained: Mapping[int, TrainingRun], may: May
) -> list[Step]:
    return [
        _import(catalog, may),
        _embed(catalog),
        _train(catalog, reached, trained.get(catalog.pk), may),
        _key(catalog, reached, may),
        _request(reached),
    ]


def _import(catalog: "CountedCatalog", may: May) -> Step:
    upload = f"{reverse('admin:recommender_upload_add')}?catalog={catalog.pk}"
    may_upload = may("recommender.add_upload")
    if not catalog.product_count:
        text = "There are no products yet. What users did, such as orders, comes after them."
        feed = f"{reverse('admin:recommender_feed_add')}?catalog={catalog.pk}"
        links = [("Upload a file", upload)] if may_upload else []
        links += [("Add a feed", feed)] if may("recommender.add_feed") else []
        return Step(title="Import", state=State.NEXT, text=text, links=links)
    text = f"{catalog.product_count:,} products, {catalog.event_count:,} events."
    if catalog.event_count:
        return Step(title="Import", state=State.DONE, text=text)
    text += " Lists of a user's own taste need what users did, such as orders."
    links = [("Upload orders", f"{upload}&kind=events")] if may_upload else []
    return Step(title="Import", state=State.DONE, text=text, links=links)


def _embed(catalog: "CountedCatalog") -> Step:
    done, total = catalog.fresh_count, catalog.product_count
    if not total:
        text = "Workers turn the products' texts into vectors by themselves."
        return Step(title="Embed", state=State.LATER, text=text)
    text = f"{done:,} of {total:,} products have a fresh vector."
    if done == total:
        return Step(title="Embed", state=State.DONE, text=text)
    spaces = f"{reverse('admin:recommender_space_changelist')}?catalog__id__exact={catalog.pk}"
    text += " Workers go on by themselves."
    return Step(title="Embed", state=State.GOES_ON, text=text, links=[("Spaces", spaces)])


def _train(catalog: "CountedCatalog", reached: _Reached, run: TrainingRun | None, may: May) -> Step:
    if reached.is_trained:
        return Step(title="Train", state=State.DONE, text="What users did was learnt from.")
    if run is not None and run.status in UNFINISHED:
        page = reverse("admin:recommender_trainingrun_change", args=[run.pk])
        text = "A worker learns from what users did."
        return Step(title="Train", state=State.GOES_ON, text=text, links=[("Training", page)])
    if not catalog.event_count:
        text = "There is nothing to learn from yet: no events. Until then lists go by content."
        return Step(title="Train", state=State.LATER, text=text)
    address = reverse("admin:recommender_catalog_train", args=[catalog.pk])
    links = [("Train now", address)] if may("recommender.add_trainingrun") else []
    text = f"{catalog.event_count:,} events wait to be learnt from; it is done every night."
    return Step(title="Train", state=State.NEXT, text=text, links=links)


def _key(catalog: "CountedCatalog", reached: _Reached, may: May) -> Step:
    if reached.has_key:
        return Step(title="Key", state=State.DONE, text="The shop can ask with an API key.")
    address = f"{reverse('admin:recommender_apikey_add')}?catalog={catalog.pk}&scope=server"
    links = [("Make a key", address)] if may("recommender.add_apikey") else []
    text = "The shop sends a key with each request; it is shown once."
    return Step(title="Key", state=State.NEXT, text=text, links=links)


def _request(reached: _Reached) -> Step:
    if reached.was_asked:
        return Step(title="First request", state=State.DONE, text="A key has been used.")
    return Step(
        title="First request",
        state=State.NEXT,
        text="Ask for a list with the key, from the shop's server:",
        links=[("All requests", "/docs")],
        command='curl -H "Authorization: Bearer $KEY" "$URL/v1/popular?count=5"',
    )
