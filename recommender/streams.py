"""Bodies of any length: rows by line go through in pieces, and each piece is a request of its own.

A piece is read in the event loop, as a small body is, and takes its turn with all other calls: a
long body holds no thread while it comes, and of it a piece is in memory. Its answers wait in a file
until the body has come: most clients read nothing before they have sent all.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import aclosing, suppress
from typing import IO, Any, NamedTuple, Protocol

import orjson
from django.conf import settings

from recommender.api import lines, problems
from recommender.api.lines import Before
from recommender.api.problems import Problem
from recommender.monitoring import requests

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_STREAMS = frozenset(
    {("POST", "/v1/products/bulk"), ("PATCH", "/v1/products/bulk"), ("POST", "/v1/events")}
)
_ROWS, _BYTES = 1_000, 1 << 19  # of a piece; a longer line is a piece alone
_SENT_BYTES = 1 << 16


class Answer(NamedTuple):
    """How an answer starts, its content, and the route that its request took."""

    start: Message
    content: bytes
    route: str = requests.NO_ROUTE


class Room(Protocol):
    """Memory for bodies that are on their way in."""

    def hold(self, part: bytes) -> None:
        """Take room for a part.

        Raises:
            Problem: 503 where there is none.
        """

    def release(self, body: bytes | bytearray) -> None:
        """Give room back."""


class GoneError(Exception):
    """The client went away."""


Ask = Callable[[bytes, Before], Awaitable[Answer]]


def is_stream(scope: Message, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request's rows come by line, and are answered so."""
    return (scope["method"], scope["path"]) in _STREAMS and lines.are_asked(
        headers.get(b"content-type", b"").decode("latin-1"),
        headers.get(b"accept", b"").decode("latin-1"),
    )


class Body:
    """A body as it comes."""

    def __init__(self, receive: Receive, room: Room) -> None:
        self._receive = receive
        self._room = room
        self._is_open = True

    async def pieces(self) -> AsyncGenerator[bytes]:
        """The body in pieces of whole lines; one that is empty where all of it is.

        Raises:
            GoneError: what came of the last lines is dropped.
            Problem: 408 where nothing comes for long; 413 for a line that is no row; 503 where
                there is no room.
        """
        rest, ends, is_first = bytearray(), 0, True
        try:
            while self._is_open:
                part = await self._part()
                self._room.hold(part)
                rest += part
                ends += part.count(b"\n")
                while ends >= _ROWS or (ends and len(rest) >= _BYTES):
                    piece = bytes(rest[: _end_of_piece(rest)])
                    yield piece
                    is_first = False
                    del rest[: len(piece)]
                    self._room.release(piece)
                    ends -= piece.count(b"\n")
                if len(rest) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                    raise _long_line()
            if rest or is_first:
                yield bytes(rest)
        finally:
            self._room.release(rest)

    async def drop(self) -> None:
        """Read what is still to come, up to the length of a whole body, and forget it.

        Most clients read no answer before they have sent all, and a closed connection would tell
        them nothing.
        """
        dropped = 0
        with suppress(Problem):
            while self._is_open and dropped <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                dropped += len(await self._part())

    async def _part(self) -> bytes:
        try:
            async with asyncio.timeout(settings.BODY_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise problems.slow_body(settings.BODY_SECONDS) from None
        if message["type"] == "http.disconnect":
            raise GoneError
        self._is_open = message["more_body"]
        part: bytes = message["body"]
        return part


def _end_of_piece(rest: bytearray) -> int:
    end = 0
    for _ in range(_ROWS):
        found = rest.find(b"\n", end)
        if found < 0 or (end and found >= _BYTES):
            break
        end = found + 1
    return end


def _long_line() -> Problem:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    detail = f"A line has more than {most:,} bytes. Send one JSON object a line."
    return Problem(413, "too-large", detail)


class Told:
    """What became of the rows so far: its lines in a file, and their counts."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._counts: Counter[str] = Counter()
        self._bytes = 0
        self._first: Answer | None = None
        self.seconds = 0.0  # that the pieces took

    async def take(self, body: Body, ask: Ask) -> Answer:
        """Have all pieces answered; the answer, but for the lines that are in the file.

        A refusal of the first piece is the answer. A later one ends the stream: the answer has its
        status, and its last line the problem. What was taken before stays taken.

        Raises:
            GoneError: the client went away; pieces that were whole stay taken.
            Problem: what is wrong with the body, where no piece of it was taken.
        """
        refused: tuple[int, dict[str, Any]] | None = None
        try:
            async with aclosing(body.pieces()) as pieces:
                async for piece in pieces:
                    answer = await self._asked(ask, piece)
                    if answer.start["status"] < 400:
                        self._add(answer, piece)
                        continue
                    if self._first is None:
                        await body.drop()
                        return answer
                    refused = answer.start["status"], orjson.loads(answer.content)
                    break
        except Problem as problem:
            if self._first is None:
                await body.drop()
                raise
            refused = problem.status, problems.document(problem)
        if refused is not None:
            await body.drop()
        return self._end(refused)

    async def _asked(self, ask: Ask, piece: bytes) -> Answer:
        began = time.perf_counter()
        answer = await ask(piece, Before(self._counts["rows"], self._bytes))
        self.seconds += time.perf_counter() - began
        return answer

    def _add(self, answer: Answer, piece: bytes) -> None:
        """Keep a piece's lines but the last, which has its counts."""
        self._first = self._first or answer
        end = answer.content.rfind(b"\n", 0, -1) + 1
        self._file.write(answer.content[:end])
        self._counts.update(orjson.loads(answer.content[end:]))
        self._bytes += len(piece)

    def _end(self, refused: tuple[int, dict[str, Any]] | None) -> Answer:
        assert self._first is not None  # noqa: S101 - a body has a piece, if an empty one
        status, problem = refused or (self._first.start["status"], None)
        counts = dict(self._counts)
        self._file.write(lines.line(counts | {"problem": problem} if problem else counts))
        length = str(self._file.tell()).encode()
        headers = [
            (name, length if name.lower() == b"content-length" else value)
            for name, value in self._first.start["headers"]
        ]
        start = {**self._first.start, "status": status, "headers": headers}
        return Answer(start, b"", self._first.route)

    async def send(self, send: Send) -> None:
        """Send the lines, after an answer's start."""
        self._file.seek(0)
        while part := self._file.read(_SENT_BYTES):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
