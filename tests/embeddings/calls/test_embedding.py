import _thread
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls import tokens
from embeddings.calls.circuit import THRESHOLD
from embeddings.calls.embedding import embed_rows
from embeddings.calls.outcome import EmbeddedRow, Outcome
from embeddings.calls.rate_limit import Rate
from embeddings.errors import (
    BudgetSpent,
    EmbeddingError,
    Misconfigured,
    Rejected,
    TooLong,
    Unavailable,
)
from embeddings.spec import ModelSpec
from embeddings.types import Embeddings, Input, Role, SparseVector, Usage
from tests.embeddings.calls.fakes import FakeCircuit, FakeLimiter

DOWN = Unavailable("The provider is down.", retry_after=0.0)
BUSY = Unavailable("Slow down.", retry_after=0.0, is_throttling=True)
NO_KEY = Misconfigured("The API key is wrong; correct it.")


class Provider:
    """An embedder that is as scripted: `before` is called with each call's texts, and may raise.

    A text's vector is its number; a text with "poison" has its whole call refused.
    """

    def __init__(
        self,
        *,
        max_rows: int = 10,
        max_call_tokens: int | None = None,
        before: Callable[[list[str]], object] = len,
    ) -> None:
        self.spec = ModelSpec(
            key="scripted",
            dimension=1,
            dimensions=(1,),
            max_rows=max_rows,
            max_tokens=1000,
            max_call_tokens=max_call_tokens,
            is_hosted=True,
        )
        self.before = before
        self.asked: list[list[str]] = []
        self.answered: list[list[str]] = []

    def embed(
        self,
        inputs: Sequence[Input],
        role: Role,  # noqa: ARG002 - the protocol's
    ) -> Embeddings:
        texts = [source.text for source in inputs]
        self.asked.append(texts)
        self.before(texts)
        if any("poison" in text for text in texts):
            raise Rejected("The text was refused.", code="DataInspectionFailed")
        self.answered.append(texts)
        vectors = np.array([[float(text.split()[0])] for text in texts], np.float32)
        return Embeddings(vectors, Usage(3 * len(texts) + 1))


class Script:
    """What happens at the first calls, by their order; nothing at the later ones."""

    def __init__(self, *errors: EmbeddingError | None) -> None:
        self._errors = iter(errors)
        self._lock = threading.Lock()

    def __call__(self, _: list[str]) -> None:
        with self._lock:
            error = next(self._errors, None)
        if error is not None:
            raise error


@dataclass
class RecordingMeter:
    """A meter that keeps count, and must be used in one thread."""

    budget: int = 10**9
    open: list[int] = field(default_factory=list)
    spent: int = 0
    rows: list[int] = field(default_factory=list)
    thread: int = field(default_factory=threading.get_ident)

    def reserve(self, tokens: int) -> None:
        assert threading.get_ident() == self.thread
        if self.spent + sum(self.open) + tokens > self.budget:
            raise BudgetSpent("The budget is spent; raise it.")
        self.open.append(tokens)

    def answered(self, rows: Sequence[int], reserved: int, answer: Embeddings) -> None:
        assert threading.get_ident() == self.thread
        self.open.remove(reserved)
        self.spent += answer.usage.tokens
        self.rows.extend(rows)

    def failed(self, reserved: int) -> None:
        assert threading.get_ident() == self.thread
        self.open.remove(reserved)


def texts_of(count: int, poison: set[int] = frozenset()) -> list[Input]:  # type: ignore[assignment]
    return [Input(text=f"{row} poison" if row in poison else f"{row} mug") for row in range(count)]


def made(outcomes: Sequence[Outcome]) -> list[int]:
    """The rows that have a vector, each the right one."""
    rows = [row for row, outcome in enumerate(outcomes) if isinstance(outcome, EmbeddedRow)]
    for row in rows:
        outcome = outcomes[row]
        assert isinstance(outcome, EmbeddedRow)
        assert outcome.vector is not None
        assert outcome.vector.tolist() == [row]
    return rows


def errors(outcomes: Sequence[Outcome]) -> set[EmbeddingError]:
    return {outcome for outcome in outcomes if isinstance(outcome, EmbeddingError)}


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread for thread in threading.enumerate() if thread.name.startswith("embed")] == []


@given(data=st.data(), count=st.integers(0, 60), concurrency=st.integers(1, 4))
def test_every_row_gets_one_right_outcome_whatever_happens(
    data: st.DataObject, count: int, concurrency: int
) -> None:
    poison = data.draw(st.sets(st.integers(0, count - 1)) if count else st.just(set()))
    mishaps = data.draw(st.lists(st.sampled_from([None, None, DOWN, BUSY]), max_size=30))
    provider = Provider(
        max_rows=data.draw(st.integers(1, 12)),
        max_call_tokens=data.draw(st.none() | st.integers(3, 40)),
        before=Script(*mishaps),
    )
    meter = RecordingMeter()
    inputs = texts_of(count, poison)

    outcomes = embed_rows(
        provider, inputs, Role.DOCUMENT, meter=meter, concurrency=concurrency, attempts=31
    )

    assert len(outcomes) == count
    assert made(outcomes) == [row for row in range(count) if row not in poison]
    assert all(type(outcomes[row]) is Rejected for row in poison)
    paid = [text for texts in provider.answered for text in texts]
    assert len(paid) == len(set(paid)) == count - len(poison)
    for texts in provider.asked:
        assert len(texts) <= provider.spec.max_rows
        size = sum(map(tokens.estimate, texts))
        assert size <= (provider.spec.max_call_tokens or size) or len(texts) == 1
    assert meter.open == []
    assert sorted(meter.rows) == made(outcomes)
    assert (
        sum(outcome.tokens for outcome in outcomes if isinstance(outcome, EmbeddedRow))
        == meter.spent
    )


@given(max_rows=st.integers(1, 2048), data=st.data())
def test_one_refused_row_costs_few_calls(max_rows: int, data: st.DataObject) -> None:
    culprit = data.draw(st.integers(0, max_rows - 1))
    provider = Provider(max_rows=max_rows)

    embed_rows(provider, texts_of(max_rows, {culprit}), Role.DOCUMENT)

    assert len(provider.asked) <= 1 + 2 * math.ceil(math.log2(max_rows))


def test_a_refusal_keeps_its_kind_and_the_providers_words() -> None:
    def refuse(texts: list[str]) -> None:
        if "1 mug" in texts:
            raise TooLong("Range of input length should be [1, 8192]", code="InvalidParameter")

    outcomes = embed_rows(Provider(before=refuse), texts_of(3), Role.DOCUMENT)

    assert made(outcomes) == [0, 2]
    (error,) = errors(outcomes)
    assert type(error) is TooLong
    assert error.code == "InvalidParameter"


def test_a_calls_tokens_are_spread_over_its_rows_by_their_length() -> None:
    inputs = [Input(text="0"), Input(text="1 mug " * 30), Input(text="2 mug " * 10)]

    outcomes = embed_rows(Provider(), inputs, Role.DOCUMENT)

    shares = [outcome.tokens for outcome in outcomes if isinstance(outcome, EmbeddedRow)]
    assert sum(shares) == 3 * 3 + 1
    assert shares[0] < shares[2] < shares[1]


def test_sparse_vectors_are_kept_beside_or_instead_of_dense_ones() -> None:
    class Sparse(Provider):
        def embed(
            self,
            inputs: Sequence[Input],
            role: Role,  # noqa: ARG002 - the protocol's
        ) -> Embeddings:
            vectors = np.empty((len(inputs), 0), np.float32)
            rows = tuple(SparseVector((row,), (1.0,)) for row in range(len(inputs)))
            return Embeddings(vectors, Usage(len(inputs)), rows)

    outcomes = embed_rows(Sparse(max_rows=2), texts_of(3), Role.DOCUMENT)

    assert [
        (outcome.vector, outcome.sparse) for outcome in outcomes if isinstance(outcome, EmbeddedRow)
    ] == [
        (None, SparseVector((0,), (1.0,))),
        (None, SparseVector((1,), (1.0,))),
        (None, SparseVector((0,), (1.0,))),
    ]


def test_a_model_that_stays_away_is_asked_so_often_and_no_more() -> None:
    provider = Provider(before=Script(*[DOWN] * 99))

    outcomes = embed_rows(provider, texts_of(3), Role.DOCUMENT, attempts=4)

    assert len(provider.asked) == 4
    assert outcomes == [DOWN] * 3


def test_it_waits_before_it_asks_again() -> None:
    times: list[float] = []

    def fail_once(texts: list[str]) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            raise Unavailable("Come back.", retry_after=0.2)

    assert made(embed_rows(Provider(before=fail_once), texts_of(3), Role.DOCUMENT)) == [0, 1, 2]
    assert times[1] - times[0] >= 0.2


def test_a_row_that_must_wait_does_not_keep_the_others_waiting() -> None:
    order: list[str] = []

    def fail_once(texts: list[str]) -> None:
        order.append(texts[0])
        if len(order) == 1:
            raise Unavailable("Come back.", retry_after=0.1)

    outcomes = embed_rows(Provider(max_rows=1, before=fail_once), texts_of(3), Role.DOCUMENT)

    assert made(outcomes) == [0, 1, 2]
    assert order == ["0 mug", "1 mug", "2 mug", "0 mug"]


def test_nobody_waits_for_minutes() -> None:
    away = Unavailable("Come back tomorrow.", retry_after=86_400.0)
    provider = Provider(max_rows=1, before=Script(away))

    outcomes = embed_rows(provider, texts_of(2), Role.DOCUMENT)

    assert outcomes[0] is away
    assert made(outcomes) == [1]


def test_a_provider_without_advice_is_asked_again_soon() -> None:
    began = time.monotonic()
    provider = Provider(before=Script(Unavailable("The connection was cut.")))

    assert made(embed_rows(provider, texts_of(3), Role.DOCUMENT)) == [0, 1, 2]
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_open_circuit_ends_the_run_and_loses_nothing(concurrency: int) -> None:
    provider = Provider(max_rows=1, before=Script(None, None, *[DOWN] * 99))
    meter = RecordingMeter()

    outcomes = embed_rows(
        provider,
        texts_of(50),
        Role.DOCUMENT,
        circuit=FakeCircuit(),
        meter=meter,
        concurrency=concurrency,
        attempts=2,
    )

    assert len(made(outcomes)) == 2
    assert len(provider.asked) <= 2 + THRESHOLD + concurrency
    assert all(isinstance(error, Unavailable) for error in errors(outcomes))
    assert "acme is down" in str(outcomes[-1])
    assert meter.open == []


def test_throttling_opens_no_circuit_and_tells_the_limiter() -> None:
    told: list[float | None] = []

    class Limiter:
        def delay(self, tokens: int, longest: float) -> float:  # noqa: ARG002 - the protocol's
            return 0.0

        def throttled(self, retry_after: float | None) -> None:
            told.append(retry_after)

    circuit = FakeCircuit()
    provider = Provider(max_rows=1, before=Script(*[BUSY] * 20))

    outcomes = embed_rows(
        provider, texts_of(10), Role.DOCUMENT, limiter=Limiter(), circuit=circuit, attempts=21
    )

    assert made(outcomes) == list(range(10))
    assert told == [0.0] * 20
    circuit.check()


def test_a_success_or_a_refusal_of_a_row_shows_that_the_provider_is_well() -> None:
    for answer in (None, Rejected("The text was refused.")):
        circuit = FakeCircuit()
        script = Script(*([DOWN] * (THRESHOLD - 1) + [answer]) * 3)
        provider = Provider(max_rows=1, before=script)
        embed_rows(provider, texts_of(3), Role.DOCUMENT, circuit=circuit)
        circuit.check()


def test_the_probe_of_a_circuit_goes_alone_and_its_success_lets_the_others_follow() -> None:
    clock = [0.0]
    circuit = FakeCircuit(lambda: clock[0])
    for _ in range(THRESHOLD):
        circuit.failed("down")
    clock[0] += 60
    at_once: list[int] = []

    def count(texts: list[str]) -> None:
        at_once.append(len(provider.asked) - len(provider.answered))

    provider = Provider(max_rows=1, before=count)
    outcomes = embed_rows(provider, texts_of(20), Role.DOCUMENT, circuit=circuit, concurrency=4)

    assert made(outcomes) == list(range(20))
    assert at_once[0] == 1


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_model_that_is_not_configured_ends_the_run(concurrency: int) -> None:
    provider = Provider(max_rows=1, before=Script(None, NO_KEY, *[None] * 99))
    meter = RecordingMeter()

    outcomes = embed_rows(
        provider, texts_of(40), Role.DOCUMENT, meter=meter, concurrency=concurrency
    )

    assert 1 <= len(made(outcomes)) <= 1 + 2 * concurrency
    assert errors(outcomes) == {NO_KEY}
    assert meter.open == []


def test_a_spent_budget_ends_the_run_and_what_is_paid_is_kept() -> None:
    meter = RecordingMeter(budget=40)
    provider = Provider(max_rows=5)

    outcomes = embed_rows(provider, texts_of(50), Role.DOCUMENT, meter=meter, concurrency=3)

    assert 5 <= len(made(outcomes)) < 50
    assert {type(error) for error in errors(outcomes)} == {BudgetSpent}
    assert meter.spent <= 40 + 3 * 16
    assert len(made(outcomes)) == 5 * len(provider.answered)


def test_calls_under_way_when_a_run_ends_are_awaited_and_kept() -> None:
    others_wait, ended = threading.Barrier(3), threading.Event()

    def meet(texts: list[str]) -> None:
        others_wait.wait(timeout=10)
        if texts == ["0 mug"]:
            ended.set()
            raise NO_KEY
        ended.wait(timeout=10)
        time.sleep(0.05)

    provider = Provider(max_rows=1, before=meet)

    outcomes = embed_rows(provider, texts_of(30), Role.DOCUMENT, concurrency=3)

    assert made(outcomes) == [1, 2]
    assert errors(outcomes) == {NO_KEY}
    assert len(provider.asked) == 3


def test_a_refused_batch_is_not_called_refused_where_the_run_ended_first() -> None:
    """Its rows would be quarantined, though nobody knows which of them is wrong."""
    both, ended = threading.Barrier(2), threading.Event()

    def meet(texts: list[str]) -> None:
        both.wait(timeout=10)
        if "0 mug" in texts:
            ended.set()
            raise NO_KEY
        ended.wait(timeout=10)
        time.sleep(0.05)

    provider = Provider(max_rows=5, before=meet)

    outcomes = embed_rows(provider, texts_of(10, {7}), Role.DOCUMENT, concurrency=2)

    assert outcomes == [NO_KEY] * 10


def test_calls_run_at_once_as_many_as_they_may() -> None:
    together = threading.Barrier(4)
    provider = Provider(max_rows=1, before=lambda _: together.wait(timeout=10))

    assert made(embed_rows(provider, texts_of(16), Role.DOCUMENT, concurrency=4)) == list(range(16))


def test_calls_are_paced_by_the_limiter() -> None:
    times: list[float] = []
    provider = Provider(max_rows=1, before=lambda _: times.append(time.monotonic()))
    limiter = FakeLimiter(Rate(requests=100.0))

    embed_rows(provider, texts_of(30), Role.DOCUMENT, limiter=limiter, concurrency=4)

    # 30 calls while the rate ramps up from a quarter.
    assert 0.5 <= times[-1] - times[0] <= 5
    assert min(later - sooner for sooner, later in zip(times, times[10:], strict=False)) > 0.05


def test_who_would_wait_for_minutes_for_a_slot_is_told_so() -> None:
    limiter = FakeLimiter(Rate(requests=100.0))
    limiter.throttled(600.0)
    meter = RecordingMeter()

    outcomes = embed_rows(Provider(), texts_of(3), Role.DOCUMENT, limiter=limiter, meter=meter)

    (error,) = errors(outcomes)
    assert isinstance(error, Unavailable)
    assert error.is_throttling
    assert error.retry_after == pytest.approx(600, abs=5)
    assert meter.open == []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_ctrl_c_ends_the_run_and_books_what_was_sent(concurrency: int) -> None:
    under_way = threading.Barrier(concurrency)

    def interrupt(texts: list[str]) -> None:
        if int(texts[0].split()[0]) < 4:
            return
        under_way.wait(timeout=10)
        # By now the thread that asks waits for an answer.
        time.sleep(0.05)
        if texts == ["4 mug"]:
            _thread.interrupt_main()
        time.sleep(0.05)

    provider = Provider(max_rows=1, before=interrupt)
    meter = RecordingMeter()

    with pytest.raises(KeyboardInterrupt):
        embed_rows(provider, texts_of(500), Role.DOCUMENT, meter=meter, concurrency=concurrency)

    assert len(provider.asked) == 4 + concurrency
    assert len(meter.rows) == len(provider.answered) >= 4 + concurrency - 1
    assert meter.open == []


def test_an_error_that_is_no_embedding_error_comes_out_after_the_books_are_closed() -> None:
    def fail(texts: list[str]) -> None:
        if texts == ["3 mug"]:
            raise ZeroDivisionError

    meter = RecordingMeter()
    with pytest.raises(ZeroDivisionError):
        embed_rows(
            Provider(max_rows=1, before=fail),
            texts_of(50),
            Role.DOCUMENT,
            meter=meter,
            concurrency=3,
        )
    assert meter.open == []


def test_nothing_to_embed_asks_nobody() -> None:
    provider = Provider()

    assert embed_rows(provider, [], Role.QUERY, concurrency=4) == []
    assert provider.asked == []
