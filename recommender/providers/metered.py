"""The one way to embed: rate-limited, metered, and never paid for twice.

What a hosted model gave is kept and booked in one transaction after every call: only a worker that
dies between the answer and that pays for a call twice.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from embeddings.base import Embedder
from embeddings.calls import embedding, outcome, rate_limit, tokens
from embeddings.calls.outcome import EmbeddedRow, Outcome
from embeddings.errors import Unavailable
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Role
from recommender.providers import cache, ledger
from recommender.providers.cache import CacheKey
from recommender.providers.circuit import circuit
from recommender.providers.ledger import Account, Consumed, LedgerEntry
from recommender.providers.limiter import limiter

__all__ = ["Account", "Effort", "embed_rows"]

_POLL = 0.05
# When to try again where another worker has not got its answer yet, in seconds.
_ELSEWHERE_SECONDS = 10.0
# So many times its estimated tokens are reserved for a call: the estimate errs by up to 1.6 times.
_MARGIN = 2


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for an answer of a hosted model.

    A call that finds it unavailable is made `attempts` times. Nothing is waited for longer than
    `patience` seconds: no slot of the rate limit, no next attempt, and no other worker that is
    asking for the same at this moment.
    """

    attempts: int
    patience: float


THOROUGH = Effort(attempts=6, patience=rate_limit.LONGEST_WAIT)


def embed_rows(
    embedder: Embedder,
    inputs: Sequence[Input],
    role: Role,
    account: Account | None,
    effort: Effort = THOROUGH,
) -> list[Outcome]:
    """What became of each input, in their order: a vector, or the error that says why not.

    A hosted model is asked only for what it was never asked before, by any catalog, within
    its rate limit and the catalog's budget; identical inputs are asked once. Not inside a
    transaction: what is bought must be kept, whatever its caller rolls back.

    Args:
        account: pays; None only for a model of this machine, which costs nothing.
        effort: a worker's by default; a request must not wait as long.

    Raises:
        ValueError: a hosted model needs an account.
    """
    if not inputs:
        return []
    if not embedder.spec.is_hosted:
        return _embed_here(embedder, inputs, role, account)
    if account is None:
        raise ValueError(f"{embedder.spec.key} costs money: embed with a catalog's account.")
    return _embed_hosted(embedder, inputs, role, _entry(embedder, account), effort)


def _entry(embedder: Embedder, account: Account) -> LedgerEntry:
    return LedgerEntry(account, embedder.spec.key, ledger.today())


def _embed_here(
    embedder: Embedder, inputs: Sequence[Input], role: Role, account: Account | None
) -> list[Outcome]:
    counter = _Counter()
    outcomes = embedding.embed_rows(embedder, inputs, role, meter=counter)
    if account is not None:
        _entry(embedder, account).book(counter.consumed)
    return outcomes


def _embed_hosted(
    embedder: Embedder, inputs: Sequence[Input], role: Role, entry: LedgerEntry, effort: Effort
) -> list[Outcome]:
    # Refused here, before anything is paid.
    with transaction.atomic(durable=True):
        pass
    digests = list(map(CacheKey.of(embedder, role).digest, inputs))
    wanted = dict(zip(digests, inputs, strict=True))
    outcomes: dict[bytes, Outcome] = {**cache.lookup(wanted)}
    run = _HostedRun(embedder, role, entry, effort)
    if missing := {key: source for key, source in wanted.items() if key not in outcomes}:
        outcomes |= run.outcomes(missing)
    answered = sum(isinstance(outcomes[key], EmbeddedRow) for key in digests)
    if answered > run.rows:
        entry.book(Consumed(cached_rows=answered - run.rows))
    return [outcomes[key] for key in digests]


@dataclass(slots=True)
class _Counter:
    """The meter of a model that costs nothing: adds up, to be booked once."""

    requests: int = 0
    rows: int = 0
    tokens: int = 0

    @property
    def consumed(self) -> Consumed:
        return Consumed(requests=self.requests, rows=self.rows, tokens=self.tokens)

    def reserve(self, tokens: int) -> None:
        """Implements `Meter.reserve`: nothing limits it."""

    def answered(
        self,
        rows: Sequence[int],
        reserved: int,  # noqa: ARG002 - nothing was
        answer: Embeddings,
    ) -> None:
        """Implements `Meter.answered`."""
        self.requests += 1
        self.rows += len(rows)
        self.tokens += answer.usage.tokens

    def failed(self, reserved: int) -> None:
        """Implements `Meter.failed`: nothing was reserved."""


class _HostedRun:
    """Inputs that are not in the cache, asked of a hosted model. `rows` were paid for."""

    def __init__(self, embedder: Embedder, role: Role, entry: LedgerEntry, effort: Effort) -> None:
        self._embedder, self._role, self._entry = embedder, role, entry
        self._effort = effort
        self.rows = 0

    def outcomes(self, wanted: Mapping[bytes, Input]) -> dict[bytes, Outcome]:
        """By digest, what became of each; what another worker is asking for is waited for."""
        outcomes: dict[bytes, Outcome] = {}
        until = time.monotonic() + self._effort.patience
        while missing := [key for key in wanted if key not in outcomes]:
            with cache.held(missing) as mine:
                # The other worker may have finished after we looked.
                outcomes |= cache.lookup(mine)
                outcomes |= self._ask(
                    {key: wanted[key] for key in missing if key in mine and key not in outcomes}
                )
            if len(mine) < len(missing):
                if time.monotonic() > until:
                    return outcomes | dict.fromkeys(set(missing) - mine, _asked_elsewhere())
                time.sleep(_POLL)
        return outcomes

    def _ask(self, wanted: Mapping[bytes, Input]) -> dict[bytes, Outcome]:
        if not wanted:
            return {}
        spec, inputs = self._embedder.spec, list(wanted.values())
        is_limited = spec.price > 0 and ledger.has_budget(self._entry.account.catalog)
        meter = _LedgerMeter(self._entry, spec, list(wanted), inputs, is_limited=is_limited)
        outcomes = embedding.embed_rows(
            self._embedder,
            inputs,
            self._role,
            limiter=limiter(spec),
            circuit=circuit(spec),
            meter=meter,
            attempts=self._effort.attempts,
            patience=self._effort.patience,
            concurrency=rate_limit.concurrency_for(spec),
        )
        self.rows += meter.rows
        return dict(zip(wanted, outcomes, strict=True))


def _asked_elsewhere() -> Unavailable:
    return Unavailable(
        "Another worker has been asking for the same input all the while; try again.",
        retry_after=_ELSEWHERE_SECONDS,
    )


class _LedgerMeter:
    """The meter of a hosted model: sets money aside for a call, then keeps and books its answer."""

    def __init__(
        self,
        entry: LedgerEntry,
        spec: ModelSpec,
        digests: Sequence[bytes],
        inputs: Sequence[Input],
        *,
        is_limited: bool,
    ) -> None:
        self._entry, self._spec = entry, spec
        self._digests, self._inputs = digests, inputs
        self._is_limited = is_limited
        self.rows = 0

    def reserve(self, tokens: int) -> None:
        """Implements `Meter.reserve`."""
        if self._is_limited:
            self._entry.reserve(self._reserved(tokens))

    def answered(self, rows: Sequence[int], reserved: int, answer: Embeddings) -> None:
        """Implements `Meter.answered`."""
        consumed = Consumed(
            requests=1,
            rows=len(rows),
            tokens=answer.usage.tokens,
            cost=ledger.price(self._spec, answer.usage.tokens),
            released=self._reserved(reserved),
        )
        sizes = [tokens.estimate_input(self._inputs[row]) for row in rows]
        digests = [self._digests[row] for row in rows]
        embedded = dict(zip(digests, outcome.embedded_rows(answer, sizes), strict=True))
        with transaction.atomic(durable=True):
            if embedded:
                cache.store(self._spec.key, embedded)
            # Last: every other call of the space books on this row and waits for it.
            self._entry.book(consumed)
        self.rows += len(rows)

    def failed(self, reserved: int) -> None:
        """Implements `Meter.failed`."""
        if self._is_limited:
            self._entry.book(Consumed(released=self._reserved(reserved)))

    def _reserved(self, tokens: int) -> Decimal:
        return ledger.price(self._spec, _MARGIN * tokens) if self._is_limited else Decimal(0)
