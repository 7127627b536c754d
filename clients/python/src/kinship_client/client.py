"""The two clients: one that waits for answers, one that is awaited. They differ in that alone."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, TypeVar, cast
from uuid import uuid4

import httpx

from kinship_client import calls, errors, options, records
from kinship_client.api import Api
from kinship_client.call import Call
from kinship_client.retries import Outcome, Retries

T = TypeVar("T")

TIMEOUT = httpx.Timeout(10, connect=3)  # seconds
_RETRIES = Retries()


def _headers(key: str, language: str | None, user_token: str | None) -> dict[str, str]:
    given = {"Accept-Language": language, "X-Kinship-User-Token": user_token}
    sent = {"Authorization": f"Bearer {key}", "User-Agent": "kinship-client"}
    return sent | {name: value for name, value in given.items() if value is not None}


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Any]) -> httpx.Request:
    headers = {"X-Request-Id": str(uuid4())}
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return http.build_request(
        call.method, call.path, params=call.query or None, content=call.body, headers=headers
    )


def _read(call: Call[T], request: httpx.Request, outcome: Outcome) -> T:
    """The answer.

    Raises:
        KinshipError: it is an error; KinshipUnreachableError: there is none.
    """
    if isinstance(outcome, httpx.TransportError):
        raise errors.of_silence(request, outcome) from outcome
    if not outcome.is_success:
        raise errors.of_answer(outcome)
    del call  # it says the type of what comes; the service keeps to its document
    return cast("T", outcome.json() if outcome.content else None)


class Kinship(Api):
    """The service, by one API key.

    Every method may raise KinshipError. What fails for now is sent again, as `retries` says, where
    that changes nothing; all but to start an insight run may be. It may be used by several threads.

    Args:
        url: where the service answers, such as `https://rec.example.org`.
        key: of scope server, on a server of yours.
        timeout: seconds that connecting, and each part of an answer, may take.
        language: of reasons and titles, as in `Accept-Language`.
        user_token: with a key of scope browser, whom it speaks for.
        transport: of httpx; for tests.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float | httpx.Timeout = TIMEOUT,
        retries: Retries = _RETRIES,
        language: str | None = None,
        user_token: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._open = partial(
            httpx.Client,
            base_url=url,
            headers=_headers(key, language, user_token),
            timeout=timeout,
            transport=transport,
        )
        self._process, self._opened = os.getpid(), self._open()

    @property
    def _http(self) -> httpx.Client:
        # After a fork parent and child would read each other's answers from shared connections.
        if self._process != os.getpid():
            self._process, self._opened = os.getpid(), self._open()
        return self._opened

    def send(self, call: Call[T]) -> T:
        """The answer of a call; each method is one of `kinship_client.calls`, sent.

        Raises:
            KinshipError: the service refuses it, or fails at it.
        """
        request = _request(self._http, call)
        for sent in range(1, self._retries.times + 2):
            outcome = self._once(request)
            wait = self._retries.wait_after(outcome, sent) if call.may_repeat else None
            if wait is None:
                break
            time.sleep(wait)
        return _read(call, request, outcome)

    def _once(self, request: httpx.Request) -> Outcome:
        try:
            return self._http.send(request)
        except httpx.TransportError as exc:
            return exc

    def products(self) -> Iterator[records.Product]:
        """All products, read page by page."""
        cursor = None
        while True:
            page = self.product_page(cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return

    def sync(
        self, products: Iterable[options.ProductInput], *, force: bool = False
    ) -> records.Synced:
        """Send the whole catalog, page by page; what is in it no more is taken off sale.

        Args:
            force: whether very much may be taken off sale, which is refused otherwise.

        Returns:
            What became of the last page, and of all of them.
        """
        *_, last = (self.send(page) for page in calls.sync_pages(products, force=force))
        return last

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def __enter__(self) -> "Kinship":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncKinship(Api):
    """As `Kinship`, each method to be awaited; to be used in one event loop."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float | httpx.Timeout = TIMEOUT,
        retries: Retries = _RETRIES,
        language: str | None = None,
        user_token: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = _headers(key, language, user_token)
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout, transport=transport
        )

    async def send(self, call: Call[T]) -> T:
        """The answer of a call.

        Raises:
            KinshipError: the service refuses it, or fails at it.
        """
        request = _request(self._http, call)
        for sent in range(1, self._retries.times + 2):
            outcome = await self._once(request)
            wait = self._retries.wait_after(outcome, sent) if call.may_repeat else None
            if wait is None:
                break
            await asyncio.sleep(wait)
        return _read(call, request, outcome)

    async def _once(self, request: httpx.Request) -> Outcome:
        try:
            return await self._http.send(request)
        except httpx.TransportError as exc:
            return exc

    async def products(self) -> AsyncIterator[records.Product]:
        """All products, read page by page."""
        cursor = None
        while True:
            page = await self.product_page(cursor=cursor)
            for product in page["items"]:
                yield product
            cursor = page["next"]
            if cursor is None:
                return

    async def sync(
        self, products: Iterable[options.ProductInput], *, force: bool = False
    ) -> records.Synced:
        """Send the whole catalog, page by page; what is in it no more is taken off sale."""
        for page in calls.sync_pages(products, force=force):
            last = await self.send(page)
        return last

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncKinship":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
