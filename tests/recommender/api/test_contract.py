"""What the OpenAPI document promises is what the API does: schemathesis asks, by all its checks.

`make fuzz` asks far more, and other things each time; what it finds gets a test of its own kind.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import schemathesis
from django.db import transaction
from django.test.client import ClientHandler
from hypothesis import settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    positive_data_acceptance,
)

from recommender.catalog import catalogs
from recommender.models import ApiKey

pytestmark = pytest.mark.slow  # thousands of requests

# 0 for the same few examples each time.
EXAMPLES = int(os.environ.get("KINSHIP_FUZZ_EXAMPLES", "0"))

# Right by the document, and refused for what this catalog has, or for what no document can tell: by
# the type of the problem.
OF_THE_CATALOG = {
    "user-or-seed",
    "unknown-field",
    "invalid-field",
    "invalid-filter",
    "invalid-cursor",
    "two-ids",
    "unknown-event-type",
    "uneven-rows",
    "nothing-to-compare",
    "unknown-kind",
    "unknown-placement",
    "other-operation",
    "invalid-placement",
    "window-too-long",
    "invalid-period",
    "invalid-experiment",
    "invalid-webhook",
    "invalid-decisions",
    "not-mergeable",
    "invalid-config",
    "invalid-key",
}
# What a server's key may not do.
MANAGED = ("/v1/keys", "/v1/config")

# Query parameters that are JSON, of which the document says no more than that.
OBJECTS = {"filter", "boost", "promote", "max_per", "rotation", "diversity"}

_handler = ClientHandler(enforce_csrf_checks=False)


def _application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django as a WSGI application that leaves the connection of the test open."""
    response = _handler(environ)
    start_response(f"{response.status_code} {response.reason_phrase}", [*response.items()])
    return [response.content]


@schemathesis.serializer("application/x-ndjson")
def _lines(context: schemathesis.SerializationContext, value: Any) -> str:
    """What is no text cannot be sent as lines."""
    return value if isinstance(value, str) else ""


# The key comes with each request: without one, everything is a 401. No text holds U+0000, which
# `test_codec` sends.
_CONFIG = schemathesis.Config.from_dict(
    {"generation": {"with-security-parameters": False, "allow-x00": False}}
)
document = schemathesis.openapi.from_wsgi("/openapi.json", _application, config=_CONFIG)


@pytest.fixture
def keys(stocked):
    scopes = (ApiKey.Scope.SERVER, ApiKey.Scope.ADMIN)
    return {scope: catalogs.create_key(stocked.catalog, scope) for scope in scopes}


@document.parametrize()
@settings(max_examples=EXAMPLES or 10, derandomize=not EXAMPLES)
def test_the_document_says_what_is_taken_and_answered(case, keys):
    scope = ApiKey.Scope.ADMIN if case.path.startswith(MANAGED) else ApiKey.Scope.SERVER
    headers = {"Authorization": f"Bearer {keys[scope]}"}
    _give_time(case)
    with transaction.atomic():
        response = case.call(headers=headers)
        transaction.set_rollback(True)
    case.validate_response(response, excluded_checks=_excluded(case, response), headers=headers)


def _give_time(case: schemathesis.Case) -> None:
    """Give a request that asks for less all the time: what is late is a 503, which is no fault."""
    for given, written in ((case.body, int), (case.query, int | str)):
        asked = given.get("timeout_ms") if isinstance(given, dict) else None
        if isinstance(asked, written) and str(asked).isdecimal() and 10 <= int(asked) <= 60_000:
            given["timeout_ms"] = 60_000


def _excluded(case: schemathesis.Case, response: schemathesis.Response) -> list[Any]:
    excluded: list[Any] = []
    if _is_of_the_catalog(case, response):
        excluded.append(positive_data_acceptance)
    # Products may be called so, too: the path of a product documents their methods.
    if case.path in ("/v1/products/bulk", "/v1/products/sync"):
        excluded.append(allow_header_conformance)
    return excluded


def _is_of_the_catalog(case: schemathesis.Case, response: schemathesis.Response) -> bool:
    """Whether a request was refused for what no document can tell."""
    if response.status_code == 422:
        return True
    if response.status_code != 400:
        return False
    kind = response.json()["type"].rpartition(":")[2]
    # Objects are JSON in a query; which types of events there are, the catalog's weights say.
    is_object = kind in ("not-json", "invalid") and OBJECTS & (case.query or {}).keys()
    # What a kind of insight takes, the kind says; what things may be called, no form of an object.
    by_table = case.path in ("/v1/events", "/v1/insight/{kind}", "/v1/config")
    return kind in OF_THE_CATALOG or bool(is_object) or by_table
