"""A caller of the embedding endpoints, and what it makes of their answers."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpResponse

from tests.recommender.api.client import Api

COMPATIBLE = "/compatible-mode/v1/embeddings"
TEXT = "/api/v1/services/embeddings/text-embedding/text-embedding"
MULTIMODAL = "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding"
PATHS = [COMPATIBLE, TEXT, MULTIMODAL]

PNG = "data:image/png;base64,iVBORw0KGgo="


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Requests with one key; `fake` unless they name another model."""

    api: Api

    def compatible(self, **body: Any) -> HttpResponse:
        return self.api.post(COMPATIBLE, {"model": "fake", **body})

    def text(self, texts: Any, model: str = "fake", **parameters: Any) -> HttpResponse:
        body = {"model": model, "input": {"texts": texts}, "parameters": parameters}
        return self.api.post(TEXT, body)

    def multimodal(self, *contents: Any, model: str = "fake", **parameters: Any) -> HttpResponse:
        body = {"model": model, "input": {"contents": contents}, "parameters": parameters}
        return self.api.post(MULTIMODAL, body)


def body_for(path: str, text: str = "a red mug", model: str = "fake") -> dict[str, Any]:
    """A right request for one text at any of the endpoints."""
    if path == COMPATIBLE:
        return {"model": model, "input": text}
    row = {"texts": [text]} if path == TEXT else {"contents": [{"text": text}]}
    return {"model": model, "input": row}


def answer(response: HttpResponse) -> dict[str, Any]:
    """The body of a success, whose id is the header's."""
    assert response.status_code == 200, response.content[:500]
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = orjson.loads(response.content)
    request_id = body.get("request_id", body.get("id"))
    assert response["x-request-id"] == request_id
    UUID(request_id)
    return body


def rows(response: HttpResponse) -> list[dict[str, Any]]:
    """The embeddings of a native answer."""
    embeddings: list[dict[str, Any]] = answer(response)["output"]["embeddings"]
    return embeddings


def error(response: HttpResponse, status: int) -> tuple[str, str]:
    """The code and the message of an error, in the form of the protocol that was asked."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/json"
    body = orjson.loads(response.content)
    assert response["x-request-id"] == body.pop("request_id")
    if "error" in body:
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
        body = {key: body["error"][key] for key in ("code", "message")}
    assert set(body) == {"code", "message"}
    return body["code"], body["message"]
