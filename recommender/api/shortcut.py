"""The short way to what is asked most: similar products, recommendations and search, by GET.

To route, check and wrap a request takes Django and django-ninja as long as the engine takes for
similar products. What is plainly right is answered here. All else, and whatever is to be refused,
takes their way: so there is one place that says what is wrong.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import parse_qsl

from django.core.exceptions import ObjectDoesNotExist
from django.db import Error
from django.http import HttpRequest, HttpResponse
from pydantic import ValidationError

from recommender.api import listing
from recommender.api.app import api
from recommender.api.auth import ApiRequest, any_key
from recommender.api.list_requests import (
    ListParameters,
    ListRequest,
    RequestParameters,
    SearchParameters,
)
from recommender.api.listing import Operation
from recommender.api.problems import Problem
from recommender.api.queries import from_parameters
from recommender.api.recommendations import FOR_USER
from recommender.api.related import SIMILAR
from recommender.api.search import SEARCH

# Ids as nearly all are; any other is read by django-ninja.
_ADDRESS = re.compile(r"/v1/([a-z]+)(?:/([0-9A-Za-z][0-9A-Za-z._:-]{0,99})/([a-z]+))?", re.ASCII)
_SCHEME = "Bearer "
_LONGEST_QUERY = 2000

_OPERATIONS: Mapping[tuple[str, str | None], tuple[Operation, type[ListParameters]]] = {
    ("products", "similar"): (SIMILAR, RequestParameters),
    ("users", "recommendations"): (FOR_USER, RequestParameters),
    ("search", None): (SEARCH, SearchParameters),
}


def answer(request: HttpRequest) -> HttpResponse | None:
    """The answer, an error where the key or the engine has one; None for what goes the long way."""
    address = _ADDRESS.fullmatch(request.path_info)
    key = request.META.get("HTTP_AUTHORIZATION", "")
    query = request.META["QUERY_STRING"]
    if address is None or request.method != "GET" or not key.startswith(_SCHEME):
        return None
    known = _OPERATIONS.get((address[1], address[3]))
    if known is None or len(query) > _LONGEST_QUERY or not query.isascii():
        return None
    operation, parameters = known
    ask = _checked(query, parameters, operation.schema)
    if ask is None:
        return None
    recognised = cast(ApiRequest, request)
    try:
        recognised.auth = any_key.authenticate(request, key.removeprefix(_SCHEME))
        return listing.respond(recognised, operation, ask, address[2] or "")
    except (Problem, Error, ObjectDoesNotExist) as exc:
        return api.on_exception(request, exc)


@lru_cache(maxsize=1000)
def _checked(
    query: str, parameters: type[ListParameters], schema: type[ListRequest]
) -> ListRequest | None:
    """The request that a query makes, which nobody changes; None where it may not be right."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        return None
    given = dict(pairs)
    # What is right of a time depends on when it is.
    if len(given) < len(pairs) or not given.keys() <= parameters.model_fields.keys() - {"as_of"}:
        return None
    try:
        return from_parameters(parameters.model_validate(given), schema)
    except (Problem, ValidationError):
        return None
