"""How the stub is to behave: as a rule, and at single calls."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Cut(StrEnum):
    """Where an answer breaks off."""

    NEVER = "never"
    BEFORE_HEADERS = "before_headers"
    AFTER_HEADERS = "after_headers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What holds for every call.

    A call of more than `max_rows` rows, or with a row of more than `max_tokens` tokens, is
    refused as the vendor refuses it; so is one that holds a word of `poison`, with the code
    beside that word. `latency` is in seconds. `failing`, `throttling` and `dropping` are the
    shares of calls that end in a 500, in a 429, and in a cut connection, drawn from `seed`.

    More than `requests_per_minute` / 60 in any second are answered with a 429, and so is what
    exceeds `tokens_per_minute` in any minute. With `fuses`, the contents of a multimodal call
    always make one vector. Vectors have `dimension` numbers where a call asks for no other.
    Without an `api_key`, any key will do.
    """

    max_rows: int = 10
    max_tokens: int = 8192
    dimension: int = 1024
    latency: float = 0.0
    failing: float = 0.0
    throttling: float = 0.0
    dropping: float = 0.0
    seed: int = 0
    poison: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    fuses: bool = False
    api_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one call is answered with, whatever it asks.

    With a `body` (sent as JSON) or `raw` bytes, that is sent. Without, the true answer is, its
    rows passed through `rows`: see `tests.stub.faults`. `delay` is in seconds.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bytes | None = None
    rows: Callable[[Sequence[dict[str, Any]]], Sequence[dict[str, Any]]] | None = None
    delay: float = 0.0
    cut: Cut = Cut.NEVER
