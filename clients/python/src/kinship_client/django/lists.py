"""Lists as the shop's own rows, in the order of the service."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from kinship_client import calls
from kinship_client.answers import Item, Recommendations
from kinship_client.call import Call
from kinship_client.django import registry, service, visitors
from kinship_client.django.conf import configuration

_CHARTS: Mapping[str, Callable[..., Call[Any]]] = {
    "popular": calls.popular,
    "trending": calls.trending,
    "new": calls.new,
}
_RELATED: Mapping[str, Callable[..., Call[Any]]] = {
    "similar": calls.similar,
    "bought_together": calls.bought_together,
    "complements": calls.complements,
}
FOR_USER = "for_user"
# What makes a list one of something besides a user.
_AD_HOC = {"products", "session", "cart", "text", "category", "segment"}


@dataclass(frozen=True, slots=True)
class Shown:
    """Of a row in a list: `row.kinship`.

    Attributes:
        rec_id: of the list; an event that comes of it has it, as `?rec_id=…` in its address does.
        rank: its place, from 1.
        why: the reason in a sentence, where the list was asked for with `explain`.
    """

    rec_id: str
    rank: int
    why: str | None


class Products(list[Any]):
    """Rows of the shop's models, best first, each with `kinship`; `rec_id` is that of the list."""

    def __init__(self, rows: Sequence[Model] = (), rec_id: str | None = None) -> None:
        super().__init__(rows)
        self.rec_id = rec_id


def recommend(request: HttpRequest, name: str, **options: Any) -> Products:
    """The list of this name for who a request is of; none where the service is away.

    `KINSHIP["LISTS"]` says what a name asks for. One that is not there is the service's to know: a
    placement.

    Args:
        options: members of the request, beside those of the name.
    """
    if not configuration().url:
        return Products()
    given = dict(configuration().lists.get(name, {"scenario": name})) | options
    return _rows(service.pages().ask(_call_of(visitors.of(request).id, given)))


def related(kind: str, product: Model | str, **options: Any) -> Products:
    """What is `similar` to a product, `bought_together` with it, or `complements` it."""
    if not configuration().url:
        return Products()
    known = registry.of_row(product).id_of(product) if isinstance(product, Model) else product
    return _rows(service.pages().ask(_RELATED[kind](known, **options)))


def _call_of(user: str | None, given: dict[str, Any]) -> Call[Any]:
    operation = given.pop("operation", FOR_USER)
    if operation in _CHARTS:
        return _CHARTS[operation](**given)
    if operation != FOR_USER:
        known = ", ".join((FOR_USER, *_CHARTS))
        raise ValueError(f"a list has no operation {operation!r}; there are {known}")
    if user is None or _AD_HOC & given.keys():
        return calls.recommend(**({} if user is None else {"user": user}) | given)
    return calls.recommendations(user, **given)


def _rows(answer: Recommendations | None) -> Products:
    """The rows of an answer, by one query for each model; what is there no more is left out."""
    if answer is None:
        return Products()
    items = {item["id"]: item for item in answer["items"]}
    found: dict[str, Model] = {}
    for known in registry.registered() if items else ():
        rows = known.rows().filter(**{f"{known.key}__in": list(items)})
        found |= {known.id_of(row): row for row in rows}
    listed = [
        _shown(found[name], item, answer["rec_id"]) for name, item in items.items() if name in found
    ]
    return Products(listed, answer["rec_id"])


def _shown(row: Any, item: Item, rec_id: str) -> Any:
    row.kinship = Shown(rec_id, item["rank"], item["why"].get("text"))
    return row
