from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.contrib.staticfiles import finders

from recommender.api.example_errors import UNKNOWN_ANSWER
from recommender.api.example_insight import RUN_ID
from recommender.api.examples import CALLS
from recommender.catalog import catalogs
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.recommender.api.json_schema import faults


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
        ("PATCH", "/v1/products/bulk"),
        ("POST", "/v1/products/sync"),
        *((method, "/v1/products/{product_id}") for method in ("PUT", "PATCH", "GET", "DELETE")),
        *((method, "/v1/products/{product_id}/similar") for method in ("GET", "POST")),
        *(
            (method, f"/v1/products/{{product_id}}/{name}")
            for name in ("bought-together", "complements")
            for method in ("GET", "POST")
        ),
        ("GET", "/v1/products/{product_id}/audience"),
        *((method, "/v1/users/{user_id}/rows") for method in ("GET", "POST")),
        *((method, "/v1/users/{user_id}/segments") for method in ("GET", "POST")),
        *((method, "/v1/users/{user_id}") for method in ("PUT", "GET", "DELETE")),
        *((method, "/v1/users/{user_id}/merge") for method in ("POST", "DELETE")),
        ("GET", "/v1/users/{user_id}/export"),
        *((method, "/v1/products/{product_id}/merge") for method in ("POST", "DELETE")),
        *((method, "/v1/users/{user_id}/recommendations") for method in ("GET", "POST")),
        ("POST", "/v1/events"),
        ("GET", "/v1/metrics/effect"),
        ("GET", "/v1/experiments"),
        ("PUT", "/v1/experiments/{name}"),
        ("GET", "/v1/experiments/{name}"),
        ("POST", "/v1/experiments/{name}/start"),
        ("POST", "/v1/experiments/{name}/stop"),
        ("GET", "/v1/webhooks"),
        *((method, "/v1/webhooks/{name}") for method in ("PUT", "DELETE")),
        ("POST", "/v1/webhooks/{name}/test"),
        ("GET", "/v1/webhooks/{name}/deliveries"),
        ("GET", "/v1/insight/kinds"),
        ("GET", "/v1/insight/runs"),
        ("GET", "/v1/insight/runs/{run_id}"),
        ("GET", "/v1/insight/runs/{run_id}/findings"),
        ("POST", "/v1/insight/runs/{run_id}/cancel"),
        ("POST", "/v1/insight/runs/{run_id}/decisions"),
        ("POST", "/v1/insight/{kind}"),
        ("GET", "/v1/keys"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/keys/{prefix}/rotate"),
        ("POST", "/v1/keys/{prefix}/revoke"),
        ("GET", "/v1/config"),
        ("PUT", "/v1/config"),
        ("GET", "/v1/placements"),
        *((method, "/v1/placements/{name}") for method in ("GET", "PUT", "DELETE")),
        ("POST", "/v1/placements/{name}/publish"),
        ("POST", "/v1/placements/{name}/rollback"),
        ("GET", "/v1/placements/{name}/versions"),
        *((method, "/v1/search") for method in ("GET", "POST")),
        ("GET", "/v1/suggest"),
        ("POST", "/v1/recommendations"),
        ("POST", "/v1/batch"),
        ("POST", "/v1/insight/outliers"),
        ("GET", "/v1/explain"),
        ("POST", "/v1/recommendations/{rec_id}/next"),
        *(("GET", f"/v1/{name}") for name in ("popular", "trending", "new")),
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
        assert operation["security"][0] == {"BearerKey": []}
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
    # A row that is none of these is refused alone.
    assert many["items"]["anyOf"][0] == one


class Addresses(HTMLParser):
    """The addresses that a page loads things from."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
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
    # Without it a phone shows the page as wide as a desktop's.
    assert b'name="viewport" content="width=device-width' in response.content
    assert b'<a href="/admin/">' in response.content


def test_every_call_has_examples_that_fit_and_its_errors(document):
    assert set(CALLS) == {(method, path) for method, path, _ in operations(document)}
    for method, path, operation in operations(document):
        call = f"{method} {path}"
        for parameter in operation.get("parameters", ()):
            for example in examples_of(parameter):
                assert not faults(example, parameter["schema"], document), (call, parameter["name"])
        body = operation.get("requestBody", {"content": {}})["content"]
        for media_type, content in body.items():
            assert content["examples"], call
            for example in content["examples"].values():
                assert not faults(example["value"], content["schema"], document), call
                assert media_type == "application/json" or isinstance(example["value"], str)
        statuses = {int(status) for status in operation["responses"]}
        assert statuses >= {400, 401, 403, 503} | ({408, 413} if body else set()), call
        for status, answer in operation["responses"].items():
            assert answer["description"], call
            for content in answer.get("content", {}).values():
                for example in examples_of(content):
                    assert not faults(example, content["schema"], document), (call, status)
                    assert int(status) < 400 or example["status"] == int(status)
            assert ("content" in answer) == (int(status) != 204), call


def examples_of(content: dict[str, Any]) -> list[Any]:
    """At least one."""
    if "example" in content:
        return [content["example"]]
    found = [example["value"] for example in content["examples"].values()]
    assert found
    return found


# What a key of scope admin alone may ask.
ADMINISTERED = ("/v1/keys", "/v1/config")
KEY_ID = "kin_bro_Vx3a"


@pytest.fixture
def admin(shop) -> Api:
    """The shop's admin key; and a key of the examples' name."""
    ApiKey.objects.create(catalog=shop.catalog, scope="browser", prefix=KEY_ID, digest=b"-")
    return Api(catalogs.create_key(shop.catalog, ApiKey.Scope.ADMIN))


def test_the_examples_work_as_they_are(document, api, admin, shop):
    """In an order that needs nothing but them: what is merged or erased comes last."""
    steps = ("put", "post", "patch", "get", "merge", "delete")

    def place(at: tuple[str, str, Any]) -> tuple[int, bool, bool]:
        method, path, _ = at
        step = "merge" if method == "post" and path.endswith("/merge") else method
        return steps.index(step), "bulk" not in path, "run_id" in path

    ordered = sorted(operations(document), key=place)
    answered = run = ""  # the latest list, which goes on, and the latest run
    for method, path, operation in ordered:
        given = {p["name"]: examples_of(p)[-1] for p in operation.get("parameters", ())}
        given |= {"rec_id": answered} if "rec_id" in given else {}
        given |= {"run_id": run} if "run_id" in given else {}
        if path == "/v1/insight/{kind}":
            shop.embed()
        address = path.format(**given)
        query = {name: str(value) for name, value in given.items() if f"{{{name}}}" not in path}
        if query:
            address = f"{address}?{urlencode(query)}"
        content = operation.get("requestBody", {"content": {}})["content"]
        bodies = [
            (media_type, example["value"])
            for media_type, one in content.items()
            for example in one["examples"].values()
        ]
        for media_type, body in bodies or [("application/json", None)]:
            is_text = media_type != "application/json"
            sent = body.encode() if is_text else b"" if body is None else orjson.dumps(body)
            caller = admin if path.startswith(ADMINISTERED) else api
            response = caller.send(method.upper(), address, sent, media_type)
            documented = operation["responses"].get(str(response.status_code))
            assert response.status_code < 300, (method, path, response.content[:300])
            assert documented is not None, (method, path, response.status_code)
            if response.status_code != 204:
                schema = documented["content"]["application/json"]["schema"]
                assert not faults(response.json(), schema, document), (method, path)
                answered = response.json().get("rec_id", answered)
                run = response.json()["id"] if path == "/v1/insight/{kind}" else run
            if path == "/v1/events":
                assert response.json()["rejected"] == 0


def test_the_errors_are_those_that_come(document, api, admin, shop, client):
    ApiKey.objects.filter(prefix=KEY_ID).delete()
    embed = Api(catalogs.create_key(shop.catalog, ApiKey.Scope.EMBED))
    for method, path, operation in operations(document):
        there_is_none = {"rec_id": UNKNOWN_ANSWER, "run_id": RUN_ID, "kind": "colours"}
        there_is_none |= {"prefix": KEY_ID}
        may = admin if path.startswith(ADMINISTERED) else api
        address = path.format(
            product_id="sku-404", user_id="sku-404", name="sku-404", **there_is_none
        )
        asked = [
            (Api(None), address, b"{}"),
            (Api("kin_ser_x"), address, b"{}"),
            (embed, address, b"{}"),
        ]
        if "404" in operation["responses"]:
            asked.append((may, address, b"{}"))
        if "requestBody" in operation:
            asked.append((may, address, b"{"))
        for caller, to, body in asked:
            error = orjson.loads(caller.send(method.upper(), to, body).content)
            documented = operation["responses"][str(error["status"])]["content"]
            assert error in examples_of(documented["application/problem+json"]), (method, path)


def test_a_query_parameter_that_is_unknown_or_repeated_is_refused_by_name(
    document, stocked, api, admin
):
    for method, path, operation in operations(document):
        others = {"rec_id": UNKNOWN_ANSWER, "run_id": RUN_ID, "kind": "clusters"}
        others |= {"prefix": KEY_ID}
        may = admin if path.startswith(ADMINISTERED) else api
        address = path.format(product_id="mug-red", user_id="u1", name="home", **others)
        refused = problem(may.send(method.upper(), f"{address}?colour=red", b"{}"), 400)
        assert refused["type"].endswith(("unknown-parameter", ":invalid")), (method, path)
        asked = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
        needed = [(one["name"], examples_of(one)[-1]) for one in asked if one["required"]]
        for parameter in asked:
            name, given = parameter["name"], examples_of(parameter)[-1]
            others = [one for one in needed if one[0] != name]
            query = urlencode([*others, (name, str(given)), (name, str(given))])
            body = b"" if method == "get" else b"{}"
            answer = may.send(method.upper(), f"{address}?{query}", body)
            refused = problem(answer, 400, "repeated-parameter")
            assert refused["detail"] == f"The parameter {name!r} is there 2 times; give it once."
