"""Bodies of requests on their way in."""

import asyncio

from django.conf import settings

from recommender.api import problems
from recommender.streams import Receive

# Of all bodies that a process is reading.
_MOST_BYTES = 256 << 20


class Bodies:
    """Bodies on their way in: in time, and together no more than there is memory for."""

    def __init__(self) -> None:
        self._held = 0

    async def read(self, receive: Receive) -> bytes | None:
        """A body, or enough of it to be refused as too large; it is held until it is released.

        Of one that is too large as much again is read and dropped: most clients read no answer
        before they have sent all, and a closed connection would tell them nothing.
        None where the client went away.

        Raises:
            Problem: 408 where it does not come in time; 503 where too much is held.
        """
        body = bytearray()
        is_whole = False
        try:
            async with asyncio.timeout(settings.BODY_SECONDS):
                is_whole = await self._fill(body, receive)
        except TimeoutError:
            raise problems.slow_body(settings.BODY_SECONDS) from None
        finally:
            if not is_whole:
                self.release(body)
        return bytes(body) if is_whole else None

    async def _fill(self, body: bytearray, receive: Receive) -> bool:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        more, dropped = True, 0
        while more and dropped <= most:
            message = await receive()
            if message["type"] == "http.disconnect":
                return False
            part = message["body"]
            more = message["more_body"]
            if len(body) > most:
                dropped += len(part)
                continue
            self.hold(part)
            body += part
        return True

    def hold(self, part: bytes) -> None:
        """Have room for a part of a body.

        Raises:
            Problem: 503 where too much is held.
        """
        if self._held + len(part) > _MOST_BYTES:
            raise problems.busy()
        self._held += len(part)

    def release(self, body: bytes | bytearray) -> None:
        """Have room for others again."""
        self._held -= len(body)
