"""The vectors of a text's lines: any number of lines, in bounded memory, in their order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from embeddings.base import Embedder
from embeddings.calls.outcome import EmbeddedRow
from embeddings.calls.tokens import estimate_input
from embeddings.errors import EmbeddingError, Rejected
from embeddings.types import Input, Role, SparseVector
from recommender.importing.row import MAX_BYTES, Line
from recommender.providers import cache, metered
from recommender.providers.cache import CacheKey
from recommender.providers.metered import Account

_BATCH_LINES = 512


class StoppedError(Exception):
    """No line from here on has a vector: nothing is wrong with the lines themselves."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line's number, from 1, and what became of it."""

    line: int
    outcome: EmbeddedRow | Rejected

    def json(self) -> bytes:
        """The row as a line of JSON."""
        row: dict[str, Any] = {"line": self.line}
        if isinstance(self.outcome, Rejected):
            row |= {"embedding": None, "error": str(self.outcome)}
        else:
            if self.outcome.vector is not None:
                row["embedding"] = self.outcome.vector
            if self.outcome.sparse is not None:
                row["sparse_embedding"] = _sparse(self.outcome.sparse)
        return orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What embedding lines would take, about; `cached` of them are in the cache already."""

    lines: int = 0
    refused: int = 0
    cached: int = 0
    tokens: int = 0


def embed_lines(
    lines: Iterable[Line], embedder: Embedder, role: Role, account: Account | None
) -> Iterator[list[Row]]:
    """A row for every line, a batch at a time.

    Raises:
        StoppedError: the model could not go on; the rows before were given.
    """
    for batch in _batches(lines):
        inputs = list(map(_input, batch))
        good = [source for source in inputs if isinstance(source, Input)]
        outcomes = iter(metered.embed_rows(embedder, good, role, account))
        rows: list[Row] = []
        for line, source in zip(batch, inputs, strict=True):
            outcome = next(outcomes) if isinstance(source, Input) else source
            if not isinstance(outcome, EmbeddedRow | Rejected):
                yield rows
                raise _stopped(line.number, outcome)
            rows.append(Row(line.number, outcome))
        yield rows


def forecast(lines: Iterable[Line], cache_key: CacheKey) -> Iterator[Forecast]:
    """What embedding lines would take, more and more of them; the last is of all."""
    total = Forecast()
    for batch in _batches(lines):
        inputs = [source for source in map(_input, batch) if isinstance(source, Input)]
        wanted = {cache_key.digest(source): estimate_input(source) for source in inputs}
        kept = cache.kept(wanted) if cache_key.spec.is_hosted else set()
        total = Forecast(
            total.lines + len(batch),
            total.refused + len(batch) - len(inputs),
            total.cached + len(kept),
            total.tokens + sum(size for key, size in wanted.items() if key not in kept),
        )
        yield total


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Consecutive lines: no more than a call of `embed_rows` profits from, and some megabytes."""
    batch: list[Line] = []
    characters = 0
    for line in lines:
        batch.append(line)
        characters += len(line.text)
        if len(batch) == _BATCH_LINES or characters > MAX_BYTES:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _input(line: Line) -> Input | Rejected:
    if line.problem is not None:
        return Rejected(f"The line is {line.problem}; correct it.")
    try:
        return Input(text=line.text.removesuffix("\n").removesuffix("\r"))
    except Rejected as exc:
        return exc


def _stopped(line: int, error: EmbeddingError) -> StoppedError:
    return StoppedError(f"Stopped before line {line:,}: {error}")


def _sparse(sparse: SparseVector) -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"index": index, "value": value}
        for index, value in zip(sparse.indices, sparse.values, strict=True)
    ]
    for row, token in zip(rows, sparse.tokens, strict=False):
        row["token"] = token
    return rows
