"""The short way to what is asked most by GET: similar products, lists for users, searches.

To route, check and wrap a request takes Django and django-ninja as long as the engine takes for
similar products. What is plainly right is answered here. All else, and whatever is to be refused,
takes their way: so there is one place that says what is wrong.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, cast
from urllib.parse import parse_qsl

from django.core.exceptions import ObjectDoesNotExist
from django.db import Error
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import ValidationError

from recommender.api import listing, search
from recommender.api.app import api
from recommender.api.auth import ApiRequest, BearerKey, any_key, search_key
from recommender.api.list_requests import (
    ListParameters,
    RequestParameters,
    SearchParameters,
    SuggestParameters,
)
from recommender.api.listing import Operation
from recommender.api.problems import Problem
from recommender.api.queries import from_parameters
from recommender.api.recommendations import FOR_USER
from recommender.api.related import SIMILAR
from recommender.api.search import SEARCH
from recommender.monitoring import requests

# Ids as nearly all are; any other is read by django-ninja.
_ADDRESS = re.compile(r"/v1/([a-z]+)(?:/([0-9A-Za-z][0-9A-Za-z._:-]{0,99})/([a-z]+))?", re.ASCII)
_SCHEME = "Bearer "
_LONGEST_QUERY = 2000


@dataclass(frozen=True, slots=True)
class _Way:
    """Query parameters, the request that they make, and what answers it about a subject."""

    parameters: type[Schema]
    request_of: Callable[[Any], Any]
    respond: Callable[[ApiRequest, Any, str], HttpResponse]
    key: BearerKey = any_key


def _to(operation: Operation, parameters: type[ListParameters], key: BearerKey = any_key) -> _Way:
    return _Way(
        parameters,
        partial(from_parameters, schema=operation.schema),
        lambda request, ask, subject: listing.respond(request, operation, ask, subject),
        key,
    )


_WAYS: Mapping[tuple[str, str | None], _Way] = {
    ("products", "similar"): _to(SIMILAR, RequestParameters),
    ("users", "recommendations"): _to(FOR_USER, RequestParameters),
    ("search", None): _to(SEARCH, SearchParameters, search_key),
    ("suggest", None): _Way(
        SuggestParameters,
        lambda ask: ask,
        lambda request, ask, _: search.suggest(request, ask),
        search_key,
    ),
}


def answer(request: HttpRequest) -> HttpResponse | None:
    """The answer, an error where the key or the engine has one; None for what goes the long way."""
    address = _ADDRESS.fullmatch(request.path_info)
    key = request.META.get("HTTP_AUTHORIZATION", "")
    query = request.META["QUERY_STRING"]
    if address is None or request.method != "GET" or not key.startswith(_SCHEME):
        return None
    way = _WAYS.get((address[1], address[3]))
    if way is None or len(query) > _LONGEST_QUERY or not query.isascii():
        return None
    ask = _checked(query, way)
    if ask is None:
        return None
    recognised = cast(ApiRequest, request)
    request.META[requests.ROUTE] = requests.of_list(address[1], address[3])
    try:
        recognised.auth = way.key.authenticate(request, key.removeprefix(_SCHEME))
        return way.respond(recognised, ask, address[2] or "")
    except (Problem, Error, ObjectDoesNotExist) as exc:
        return api.on_exception(request, exc)


@lru_cache(maxsize=1000)
def _checked(query: str, way: _Way) -> Any | None:
    """The request that a query makes, which nobody changes; None where it may not be right."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        return None
    given = dict(pairs)
    # What is right of a time depends on when it is.
    if len(given) < len(pairs) or not given.keys() <= way.parameters.model_fields.keys() - {
        "as_of"
    }:
        return None
    try:
        return way.request_of(way.parameters.model_validate(given))
    except (Problem, ValidationError):
        return None
