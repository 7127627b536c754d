"""Ids that look like parts of addresses, over the wire as a client sends them."""

import json
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.service import Service

pytestmark = pytest.mark.slow

PRODUCTS = (
    "a",
    "a/similar",
    "bulk",
    "sync",
    "a/../b",
    "100%",
    "a%2Fb",
    "a?b#c d",
    "é🫖",
    "x" * 255,
)
USERS = ("x", "x/recommendations", "a/../b", "a%2Fb", "日" * 255)


class Wire:
    """Requests whose addresses no library has a say in."""

    def __init__(self, service: Service, key: str) -> None:
        self._service = service
        self._headers = {"Authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the decoded body of an answer; an iterable is sent in chunks."""
        if isinstance(body, dict):
            body = json.dumps(body).encode()
        with closing(HTTPConnection("127.0.0.1", self._service.port, timeout=30)) as connection:
            connection.request(method, path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        return answer.status, json.loads(content) if content else None


@pytest.fixture(scope="module")
def wire(service: Service) -> Wire:
    service.manage("create_catalog", "ids")
    return Wire(service, service.manage("create_api_key", "ids", "--scope", "server").strip())


def test_an_id_with_an_encoded_slash_is_one_id_everywhere(wire):
    addresses = {name: f"/v1/products/{quote(name, safe='')}" for name in PRODUCTS}
    for name, address in addresses.items():
        assert wire("PUT", address, {"title": f"Called {name}"})[0] == 201
    for name, address in addresses.items():
        assert wire("GET", address)[1]["title"] == f"Called {name}"
        assert wire("PATCH", address, {"brand": "Acme"})[1]["brand"] == "Acme"
        assert "items" in wire("GET", f"{address}/similar")[1]
        event = {"type": "view", "user": "reader", "product": name}
        assert wire("POST", "/v1/events", event)[1]["accepted"] == 1
    listed = wire("GET", "/v1/products")[1]["items"]
    assert [one["id"] for one in listed if one["id"] != "chunks"] == list(PRODUCTS)
    assert "items" in wire("GET", "/v1/products/a/similar")[1]
    for address in addresses.values():
        assert wire("DELETE", address) == (204, None)
        assert wire("GET", address)[0] == 404
        assert wire("GET", f"{address}/similar")[0] == 404


def test_a_user_is_not_taken_for_the_recommendations_of_another(wire):
    addresses = {name: f"/v1/users/{quote(name, safe='')}" for name in USERS}
    for name, address in addresses.items():
        assert wire("PUT", address, {"attributes": {"name": name}})[0] == 201
    for name, address in addresses.items():
        assert wire("GET", address)[1]["id"] == name
        assert wire("GET", f"{address}/recommendations")[1]["missing_ids"] == []
    for name, address in addresses.items():
        assert wire("DELETE", address) == (204, None)
        assert wire("GET", f"{address}/recommendations")[1]["missing_ids"] == [name]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("%2E", "a dot or two"),
        ("..", "a dot or two"),
        ("a%00b", "NUL character"),
        ("a%0Ab", "control character"),
        ("%20", "is missing"),
        ("%FF", "broken UTF-8"),
        ("%ED%A0%80", "broken UTF-8"),
        ("x" * 256, "255 characters"),
    ],
)
def test_an_id_that_cannot_be_is_refused_with_its_reason(wire, path, reason):
    for kind in ("products", "users"):
        status, problem = wire("PUT", f"/v1/{kind}/{path}", {})
        assert status == 400
        assert reason in problem["detail"]


def test_a_body_may_come_in_chunks_and_not_be_too_large(wire):
    assert wire("PUT", "/v1/products/chunks", iter([b'{"title":', b'"Two"}']))[0] == 201
    assert wire("GET", "/v1/products/chunks")[1]["title"] == "Two"
    large = [b" " * 1_000_000] * 40
    assert wire("PUT", "/v1/products/chunks", iter(large))[0] == 413
    assert wire("PUT", "/v1/products/chunks", b"".join(large))[0] == 413
