"""Calling a provider over HTTP."""

import atexit
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from embeddings.errors import Misconfigured, Unavailable
from embeddings.providers.wire_errors import error_of

_CONNECT_SECONDS = 5.0
# The sockets of a process to all providers; these, and proxies, close what is idle for a minute.
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=100, keepalive_expiry=30.0)
# More than any model's largest call: 2,048 rows of 3,072 numbers of some 12 characters.
_MOST_BYTES = 128 * 1024 * 1024

# By process: a connection that two processes share would mix up their answers.
_clients: dict[int, httpx.Client] = {}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider answers, and what goes with every call: the key and more headers.

    Its connections are shared by this process. Safe to share between threads and over forks.

    Raises:
        Misconfigured: the URL, the key or a header cannot be one.
    """

    base_url: str
    api_key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The key itself is never part of a message.
        if not _is_token(self.api_key):
            raise Misconfigured("The provider's API key holds signs that no key has; set it anew.")
        for name, value in self.headers.items():
            if not _is_token(value):
                raise Misconfigured(f"{value!r} cannot be sent as {name}; correct it.")
        if not self.base_url.startswith(("http://", "https://")):
            raise Misconfigured(f"The base URL {self.base_url!r} must begin with https://.")
        try:
            httpx.URL(self.base_url)
        except httpx.InvalidURL as exc:
            raise Misconfigured(
                f"{self.base_url!r} is no URL ({exc}); correct the base URL."
            ) from exc

    @property
    def host(self) -> str:
        """Whom messages speak of."""
        return httpx.URL(self.base_url).host

    def post(self, path: str, body: Mapping[str, object], *, timeout: float) -> dict[str, Any]:
        """Send JSON to a path below the base URL; the JSON object of a 200.

        `timeout` is in seconds, for the whole call.

        Raises:
            EmbeddingError: as `embeddings.providers.wire_errors` rules; Unavailable where no
                answer came, or one that is no JSON object or far too large.
        """
        try:
            status, headers, content = self._exchange(path, orjson.dumps(body), timeout)
        except httpx.RequestError as exc:
            raise _transport_error(exc, self.host, timeout) from exc
        if status == httpx.codes.OK:
            return _object(content, self.host)
        raise error_of(status, _decoded(self._without_key(content)), headers)

    def _exchange(self, path: str, body: bytes, timeout: float) -> tuple[int, httpx.Headers, bytes]:
        until = time.monotonic() + timeout
        content = bytearray()
        with _client().stream(
            "POST",
            f"{self.base_url.rstrip('/')}/{path}",
            content=body,
            headers=self._headers(),
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
        ) as response:
            for part in response.iter_bytes():
                content += part
                if len(content) > _MOST_BYTES:
                    raise Unavailable(f"{self.host} sent over {_MOST_BYTES} bytes; not read on.")
                # The client's own limit is one on each part: an answer may trickle in for ever.
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer trickles in")
        return response.status_code, response.headers, bytes(content)

    def _headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {"Content-Type": "application/json", **key, **self.headers}

    def _without_key(self, content: bytes) -> bytes:
        """An error's body, in which a provider may repeat the key that it refuses."""
        return content.replace(self.api_key.encode(), b"***") if self.api_key else content


def _client() -> httpx.Client:
    client = _clients.get(os.getpid())
    # Two threads may make one each; both then use the one that was first, and no lock is left
    # locked in a fork.
    return client or _clients.setdefault(os.getpid(), httpx.Client(limits=_LIMITS))


@atexit.register
def _close() -> None:
    client = _clients.pop(os.getpid(), None)
    if client:
        client.close()


def _is_token(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value


def _object(content: bytes, host: str) -> dict[str, Any]:
    decoded = _decoded(content)
    if isinstance(decoded, dict):
        return decoded
    raise Unavailable(
        f"{host} answered with no JSON object, as a proxy does that is in between; "
        "check the base URL and the way to it."
    )


def _decoded(content: bytes) -> Any:
    """The JSON, or the text of what is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return _leniently_decoded(content.decode(errors="replace"))


def _leniently_decoded(text: str) -> Any:
    # Servers in Python write NaN, which is no JSON; it tells which row has no usable vector.
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def _transport_error(exc: httpx.RequestError, host: str, timeout: float) -> Unavailable:
    if isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        reason = str(exc) or "no answer"
        return Unavailable(
            f"{host} cannot be reached ({reason}); check the base URL, the network and any proxy."
        )
    if isinstance(exc, httpx.PoolTimeout):
        return Unavailable(f"No connection to {host} was free for {timeout:g} s; call it less.")
    if isinstance(exc, httpx.TimeoutException):
        return Unavailable(
            f"{host} did not answer within {timeout:g} s; it is overloaded, or needs longer."
        )
    return Unavailable(
        f"{host} broke off its answer ({type(exc).__name__}); check the network and any proxy."
    )
