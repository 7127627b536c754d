"""The stub itself: what it answers to a call."""

import random
import threading
import time
import uuid
from collections import deque
from types import TracebackType
from typing import Self

from tests.stub import documented
from tests.stub.behaviour import Behaviour, Cut, Reply
from tests.stub.documented import Problem, Refused
from tests.stub.record import Call, Record
from tests.stub.server import Answer, Server, to_json
from tests.stub.windows import SlidingWindow, per_second
from tests.stub.wire import Asked, Wire, wire_of


class Stub:
    """A double of a provider: it answers in the shapes of the real ones, and fails as told.

    It serves while it is entered:

        with Stub(Behaviour(latency=0.05)) as stub:
            stub.script(Reply(status=503), Reply(cut=Cut.BEFORE_HEADERS))
            …  # against stub.native_url or stub.compatible_url
            assert stub.record.paid["mug"] == 1
    """

    def __init__(
        self, behaviour: Behaviour | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        """Port 0 is any free one."""
        self._host = host
        self.record = Record()
        self._lock = threading.Lock()
        self._scripted: deque[Reply] = deque()
        self._stopping = threading.Event()
        self._server = Server((host, port), self.record, self._answer, self._stopping.wait)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.behave(behaviour or Behaviour())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._server.server_port}"

    @property
    def native_url(self) -> str:
        """The base URL of the DashScope-native protocol."""
        return f"{self.url}/api/v1"

    @property
    def compatible_url(self) -> str:
        """The base URL of the OpenAI-compatible protocol."""
        return f"{self.url}/compatible-mode/v1"

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    def behave(self, behaviour: Behaviour) -> None:
        """Behave so from now on; its limits start afresh."""
        with self._lock:
            self._behaviour = behaviour
            self._random = random.Random(behaviour.seed)
            self._requests = _requests_window(behaviour)
            self._tokens = _tokens_window(behaviour)

    def script(self, *replies: Reply) -> None:
        """Answer the next calls with these, in the order the calls come in."""
        with self._lock:
            self._scripted.extend(replies)

    def _answer(self, call: Call) -> Answer | None:
        """What a call is answered with; None for a path that no provider has."""
        wire = wire_of(call.path)
        if wire is None:
            return None
        self.record.asked(call)
        request_id = str(uuid.uuid4())
        try:
            return self._reply(wire, call, request_id)
        except Refused as exc:
            return _refusal(wire, exc.problem, request_id, self._behaviour.latency)

    def _reply(self, wire: Wire, call: Call, request_id: str) -> Answer:
        behaviour = self._behaviour
        reply = self._next_reply(behaviour)
        if reply.body is not None or reply.raw is not None:
            return _scripted(reply, behaviour.latency)
        _check_key(call, behaviour)
        asked = wire.asked(call.body, behaviour)
        self._check_tokens(asked)
        rows = wire.rows(asked)
        changed = rows if reply.rows is None else reply.rows(rows)
        return Answer(
            status=reply.status,
            body=to_json(wire.answer(asked, changed, request_id)),
            rows=asked.rows,
            headers=reply.headers,
            delay=behaviour.latency + reply.delay,
            cut=reply.cut,
        )

    def _next_reply(self, behaviour: Behaviour) -> Reply:
        with self._lock:
            if self._scripted:
                return self._scripted.popleft()
            if self._requests and not self._requests.admits(time.monotonic()):
                raise Refused(documented.BURST_RATE)
            drawn = self._random.random()
        for share, outcome in (
            (behaviour.failing, documented.INTERNAL),
            (behaviour.throttling, documented.RATE_QUOTA),
        ):
            if drawn < share:
                raise Refused(outcome)
            drawn -= share
        return Reply(cut=Cut.BEFORE_HEADERS if drawn < behaviour.dropping else Cut.NEVER)

    def _check_tokens(self, asked: Asked) -> None:
        with self._lock:
            if self._tokens and not self._tokens.admits(time.monotonic(), asked.tokens):
                raise Refused(documented.ALLOCATION_QUOTA)


def _scripted(reply: Reply, latency: float) -> Answer:
    return Answer(
        status=reply.status,
        body=to_json(reply.body) if reply.raw is None else reply.raw,
        headers=reply.headers,
        delay=latency + reply.delay,
        cut=reply.cut,
    )


def _refusal(wire: Wire, problem: Problem, request_id: str, latency: float) -> Answer:
    body = to_json(wire.problem(problem, request_id))
    return Answer(status=problem.status, body=body, delay=latency)


def _check_key(call: Call, behaviour: Behaviour) -> None:
    key = call.headers.get("authorization", "").removeprefix("Bearer ")
    if not key or (behaviour.api_key and key != behaviour.api_key):
        raise Refused(documented.NO_KEY)


def _requests_window(behaviour: Behaviour) -> SlidingWindow | None:
    limit = behaviour.requests_per_minute
    return per_second(limit) if limit else None


def _tokens_window(behaviour: Behaviour) -> SlidingWindow | None:
    limit = behaviour.tokens_per_minute
    return SlidingWindow(limit, 60.0) if limit else None
