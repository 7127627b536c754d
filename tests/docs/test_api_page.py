"""docs/api.md has every call of the OpenAPI document, with its members and an example."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from recommender.api.app import api

PAGE = Path(__file__).resolve().parents[2] / "docs/api.md"
SHARED = "What every list takes"

_SECTION = re.compile(r"^## (.*?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"^\| `([A-Z]+) (/v1/\S+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)
_EXAMPLE = re.compile(r"curl -s .*?\"\$URL(/v1/[^?\"]*)", re.MULTILINE)

Operation = Mapping[str, Any]


@cache
def document() -> Mapping[str, Any]:
    return api.get_openapi_schema()


@cache
def operations() -> dict[tuple[str, str], Operation]:
    return {
        (method.upper(), path): operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def sections() -> dict[str, str]:
    return dict(_SECTION.findall(PAGE.read_text()))


def members(operation: Operation) -> set[str]:
    """Of the query and of the body."""
    in_query = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return in_query | set(_properties(schema))


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from schema.get("properties", ())
    for part in schema.get("oneOf", ()):
        yield from _properties(part)


def test_the_page_has_every_call_and_no_other():
    told = [call[:2] for text in sections().values() for call in _CALL.findall(text)]
    assert len(told) == len(set(told))
    assert set(told) == set(operations())


def test_each_member_of_a_call_is_in_its_section_or_among_those_of_every_list():
    told, shared = sections(), sections()[SHARED]
    for title, text in told.items():
        for method, path, *_ in _CALL.findall(text):
            named = set(re.findall(r"`(\w+)`", _tables(text) + _tables(shared)))
            missing = members(operations()[method, path]) - named
            assert not missing, (title, method, path)


def _tables(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("| `"))


def test_each_call_has_an_example():
    examples = set()
    for line in PAGE.read_text().splitlines():
        if line.startswith("$ ") and (found := _EXAMPLE.search(line)):
            method = re.search(r" -X ([A-Z]+) ", line)
            examples.add((method[1] if method else "GET", found[1]))
    for method, path in operations():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        assert any(m == method and pattern.fullmatch(at) for m, at in examples), (method, path)
