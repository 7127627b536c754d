"""A caller of the API: Django's test client with a key, sending JSON.

The address is told as it is sent, as the server tells it.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from django.http import HttpResponse
from django.test import Client

# Without a raised exception: what a caller gets for a defect is a 500.
_client = Client(raise_request_exception=False)


@dataclass(frozen=True, slots=True)
class Api:
    """Requests with one API key, or without any."""

    key: str | None

    def get(
        self, path: str, headers: dict[str, str] | None = None, **parameters: Any
    ) -> HttpResponse:
        sent = self._headers() | (headers or {})
        return _client.get(path, parameters, headers=sent, REQUEST_URI=path)

    def delete(self, path: str) -> HttpResponse:
        return self.send("DELETE", path, b"")

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> HttpResponse:
        return self.send("POST", path, orjson.dumps(body), headers=headers)

    def put(self, path: str, body: Any) -> HttpResponse:
        return self.send("PUT", path, orjson.dumps(body))

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.send("PATCH", path, orjson.dumps(body))

    def send(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        """The body as it is."""
        sent = self._headers() | (headers or {})
        return _client.generic(method, path, body, content_type, headers=sent, REQUEST_URI=path)

    def _headers(self) -> dict[str, str]:
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}


def items(response: HttpResponse) -> list[str]:
    """The ids of an answer's products."""
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def problem(response: HttpResponse, status: int, kind: str | None = None) -> dict[str, Any]:
    """The problem details of an answer that is an error, of this status and kind."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = orjson.loads(response.content)
    assert body["status"] == status
    assert body["type"].startswith("urn:kinship:problem:")
    assert body["title"]
    assert body["detail"]
    assert kind is None or body["type"] == f"urn:kinship:problem:{kind}"
    return body
