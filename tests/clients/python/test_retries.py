"""When the client sends again, by a service of the test's own that counts what it is sent."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from kinship_client import NEVER, AsyncKinship, Kinship, KinshipError, Retries
from kinship_client.errors import KinshipUnreachableError

QUICK = Retries(times=2, first=0.001)
Answers = Callable[[httpx.Request], httpx.Response]


class Service:
    """Answers in turn with these, the last of them from then on; an exception is a lost line."""

    def __init__(self, *outcomes: httpx.Response | httpx.TransportError) -> None:
        self._outcomes = list(outcomes)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, httpx.TransportError):
            raise outcome
        return outcome


def client(service: Service, retries: Retries = QUICK) -> Kinship:
    return Kinship("http://k", "key", retries=retries, transport=httpx.MockTransport(service))


def fine() -> httpx.Response:
    return httpx.Response(200, json={"items": [], "next": None})


def busy(after: str | None = None) -> httpx.Response:
    headers = {} if after is None else {"Retry-After": after}
    body = {"type": "urn:kinship:problem:busy", "detail": "Busy.", "status": 503}
    return httpx.Response(503, json=body, headers=headers)


@pytest.mark.parametrize(
    "passing",
    [busy(), httpx.Response(429), httpx.Response(502), httpx.Response(504),
     httpx.ConnectError("refused"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut")],
)  # fmt: skip
def test_what_fails_for_now_is_sent_again_and_is_then_answered(passing: httpx.Response) -> None:
    service = Service(passing, fine())
    assert client(service).product_page() == {"items": [], "next": None}
    assert len(service.requests) == 2
    first, second = service.requests
    assert first.headers["X-Request-Id"] == second.headers["X-Request-Id"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500])
def test_what_would_fail_again_is_sent_once(status: int) -> None:
    service = Service(httpx.Response(status, text="no"))
    with pytest.raises(KinshipError) as refused:
        client(service).popular()
    assert (refused.value.status, refused.value.detail) == (status, "no")
    assert len(service.requests) == 1


def test_after_so_many_times_the_error_is_raised() -> None:
    service = Service(busy())
    with pytest.raises(KinshipError, match=r"Busy. \(503, busy\)") as failed:
        client(service).popular()
    assert failed.value.is_passing
    assert len(service.requests) == 3


def test_a_request_that_may_not_repeat_is_sent_once() -> None:
    service = Service(httpx.ReadTimeout("late"))
    with pytest.raises(KinshipUnreachableError, match="late"):
        client(service).start_insight("clusters")
    assert len(service.requests) == 1


def test_without_retries_all_is_sent_once() -> None:
    service = Service(busy())
    with pytest.raises(KinshipError):
        client(service, NEVER).popular()
    assert len(service.requests) == 1


def test_events_keep_their_ids_and_times_when_they_are_sent_again() -> None:
    taken = httpx.Response(202, json={"accepted": 1, "duplicate": 0, "rejected": 0, "results": []})
    service = Service(httpx.ReadTimeout("late"), taken)
    client(service).send_events([{"type": "view", "user": "ann", "product": "mug"}])
    first, second = (request.content for request in service.requests)
    assert first == second
    assert b'"id":"' in first
    assert b'"at":"' in first


def test_the_service_says_how_long_to_wait() -> None:
    assert QUICK.wait_after(busy("0"), 1) == pytest.approx(0, abs=0.002)
    assert QUICK.wait_after(busy("5"), 1) == pytest.approx(5, abs=0.01)
    assert QUICK.wait_after(busy("11"), 1) is None
    assert QUICK.wait_after(busy("Sat, 28 Nov 2026 00:00:00 GMT"), 1) is not None


def test_pauses_grow_are_spread_and_have_an_end() -> None:
    retries = Retries(times=20, first=1, longest=8)
    for sent, most in ((1, 1), (2, 2), (3, 4), (4, 8), (20, 8)):
        waits = [retries.wait_after(busy(), sent) or 0.0 for _ in range(300)]
        assert max(waits) <= most
        assert max(waits) - min(waits) > most / 2
    assert retries.wait_after(busy(), 21) is None


def test_who_awaits_has_the_same_retries() -> None:
    service = Service(busy(), httpx.ConnectError("refused"), fine())

    async def ask() -> object:
        transport = httpx.MockTransport(service)
        async with AsyncKinship("http://k", "key", retries=QUICK, transport=transport) as client:
            return await client.product_page()

    assert asyncio.run(ask()) == {"items": [], "next": None}
    assert len(service.requests) == 3


def test_an_error_of_a_proxy_is_told_in_its_words() -> None:
    service = Service(httpx.Response(500, html="<h1>Internal\n error</h1>"))
    with pytest.raises(KinshipError, match="<h1>Internal error</h1>") as failed:
        client(service).popular()
    assert failed.value.type == "about:blank"
