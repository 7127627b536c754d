"""The API asked in process, as a shop's server asks it: there is no second way to a list."""

from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from cachetools import TTLCache, cached
from pydantic import ValidationError

from recommender.api import codec, next_pages, problems, search, users
from recommender.api.auth import SERVER, ApiRequest, Caller
from recommender.api.list_requests import SuggestParameters
from recommender.api.listing import Operation, Page, Summary
from recommender.api.next_pages import NextRequest
from recommender.api.operations import OPERATIONS
from recommender.catalog import placements
from recommender.models import Catalog

Answer = dict[str, Any]

# What is published shows in the shop within so long.
_REMEMBERED_SECONDS = 0.5


def _request(catalog: Catalog) -> ApiRequest:
    """A request with a server key. It says no language: the shop's own is English."""
    request = ApiRequest()
    request.META["QUERY_STRING"] = ""
    request.auth = Caller(catalog, SERVER)
    return request


def listed(
    catalog: Catalog, operation: str, subject: str = "", *, scenario: str = "", **members: Any
) -> Answer:
    """The answer of a list by the operation's name.

    Args:
        scenario: the placement that it is of, where the catalog has published one of this name.

    Raises:
        Problem: as the API's.
    """
    if scenario and _published(catalog.pk).get(scenario) == operation:
        members["scenario"] = scenario
    return _asked(catalog, OPERATIONS[operation], subject, members)


@cached(TTLCache(1_000, _REMEMBERED_SECONDS), lock=Lock())
def _published(catalog_id: int) -> Mapping[str, str]:
    return placements.operations(catalog_id)


def summarised(catalog: Catalog, summary: Summary, subject: str, **members: Any) -> Answer:
    """The answer of what is no list; raises as `listed`."""
    return _asked(catalog, summary, subject, members)


def following(catalog: Catalog, rec_id: UUID) -> Answer:
    """The page after an answer; raises as `listed`."""
    return _decoded(next_pages.page(_request(catalog), rec_id, NextRequest()))


def suggested(catalog: Catalog, text: str, user: str) -> Sequence[Mapping[str, Any]]:
    """What a text may become; raises as `listed`."""
    try:
        ask = SuggestParameters.model_validate({"q": text, "user": user, "count": 7})
    except ValidationError as exc:
        raise problems.invalid(exc.errors()) from exc
    answer = orjson.loads(search.suggest(_request(catalog), ask).content)
    suggestions: Sequence[Mapping[str, Any]] = answer["suggestions"]
    return suggestions


def tell(catalog: Catalog, events: Sequence[Mapping[str, Any]]) -> int:
    """Send events; how many of them are taken. What is wrong with one costs that one."""
    results = users.take_in(_request(catalog), events)
    return sum(result["status"] == "accepted" for result in results)


def _asked(
    catalog: Catalog, operation: Operation | Summary, subject: str, members: Mapping[str, Any]
) -> Answer:
    try:
        ask = operation.schema.model_validate(members)
    except ValidationError as exc:
        raise problems.invalid(exc.errors()) from exc
    return _decoded(operation.page(_request(catalog), ask, subject))


def _decoded(page: Page) -> Answer:
    """As a client reads it: items are JSON already."""
    answer: Answer = orjson.loads(codec.encode(page.document))
    return answer
