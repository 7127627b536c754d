from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from tests.recommender.api.client import Api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    response = Api(None).get("/openapi.json")
    assert response.status_code == 200
    return response.json()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_endpoint_is_documented(document):
    assert document["openapi"].startswith("3.")
    assert {(method.upper(), path) for method, path, _ in operations(document)} == {
        ("GET", "/v1/products"),
        ("POST", "/v1/products/bulk"),
        *((method, "/v1/products/{product_id}") for method in ("PUT", "PATCH", "GET", "DELETE")),
        *((method, "/v1/products/{product_id}/similar") for method in ("GET", "POST")),
        *((method, "/v1/users/{user_id}") for method in ("PUT", "GET", "DELETE")),
        *((method, "/v1/users/{user_id}/recommendations") for method in ("GET", "POST")),
        ("POST", "/v1/events"),
    }


def test_the_document_is_whole(document):
    for reference in references(document):
        assert reference.startswith("#/components/schemas/")
        assert reference.rsplit("/", 1)[1] in document["components"]["schemas"]
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for _, path, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}
        assert operation["summary"]
        assert any(status.startswith("2") for status in operation["responses"])
        assert operation["security"] == [{"BearerKey": []}]
    assert document["components"]["securitySchemes"]["BearerKey"]["scheme"] == "bearer"


def test_every_endpoint_that_takes_a_body_says_which(document):
    for method, path, operation in operations(document):
        assert ("requestBody" in operation) == (method in ("put", "patch", "post")), (method, path)


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/v1/products/bulk", {"id", "title", "price", "attributes"}),
        ("/v1/events", {"id", "type", "user", "product", "at"}),
    ],
)
def test_a_body_of_many_rows_is_documented(document, path, members):
    content = document["paths"][path]["post"]["requestBody"]["content"]
    assert content.keys() == {"application/json", "application/x-ndjson"}
    one, many = content["application/json"]["schema"]["oneOf"]
    assert one["properties"].keys() >= members
    assert many["items"] == one


class Addresses(HTMLParser):
    """The addresses that a page loads things from."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_documentation_loads_nothing_from_another_host():
    response = Api(None).get("/docs")
    assert response.status_code == 200
    page = Addresses()
    page.feed(response.content.decode())
    assert len(page.addresses) >= 3
    for address in page.addresses:
        assert address.startswith("/static/")
        assert finders.find(address.removeprefix("/static/"))
    assert b"https://" not in response.content
    assert b'"/openapi.json"' in response.content
