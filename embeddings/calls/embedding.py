"""Embedding any number of inputs: rate-limited, retried, bisected; an outcome for every row."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from embeddings.base import Embedder
from embeddings.calls.circuit import ALWAYS_CLOSED, Circuit
from embeddings.calls.dispatch import Answer, Run, Submit
from embeddings.calls.meter import FREE, Meter
from embeddings.calls.outcome import Outcome
from embeddings.calls.rate_limit import LONGEST_WAIT, UNLIMITED, Limiter
from embeddings.types import Input, Role

__all__ = ["FREE", "Meter", "embed_rows"]


def embed_rows(  # noqa: PLR0913 - what a run is made of, most of it by default
    embedder: Embedder,
    inputs: Sequence[Input],
    role: Role,
    *,
    limiter: Limiter = UNLIMITED,
    circuit: Circuit = ALWAYS_CLOSED,
    meter: Meter = FREE,
    concurrency: int = 1,
    attempts: int = 6,
    patience: float = LONGEST_WAIT,
) -> list[Outcome]:
    """Embed any number of inputs; what became of each, in their order.

    A call refused for its rows is bisected until the refused ones are alone: `Rejected`. A call
    that finds the model unavailable is made `attempts` times at most, after the pause that the
    model asks for, or one drawn with full jitter (Brooker 2015, "Exponential Backoff And Jitter").

    An open circuit, a spent budget, or a model that is not configured ends the run: calls under
    way are awaited and kept, and every other row gets that error, which says nothing about it.

    Args:
        concurrency: how many calls may be under way at once; at 1 no thread is started.
        patience: how long a call may wait for its slot, or for its next attempt, in seconds.

    Raises:
        Exception: what the limiter, the circuit or the meter raise beyond their contracts. Then,
            and when interrupted, too, calls under way are awaited and metered first.
    """
    run = Run(
        embedder=embedder,
        inputs=inputs,
        role=role,
        limiter=limiter,
        circuit=circuit,
        meter=meter,
        concurrency=concurrency,
        attempts=attempts,
        patience=patience,
    )
    with _threads(min(concurrency, len(run.waiting))) as submit:
        return run.outcomes(submit)


@contextmanager
def _threads(count: int) -> Iterator[Submit]:
    if count <= 1:
        yield _at_once
        return
    with ThreadPoolExecutor(count, thread_name_prefix="embed") as pool:
        yield pool.submit


def _at_once(make: Callable[[], Answer]) -> "Future[Answer]":
    future: Future[Answer] = Future()
    future.set_result(make())
    return future
