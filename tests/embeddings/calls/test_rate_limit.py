import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls import rate_limit
from embeddings.calls.rate_limit import (
    UNLIMITED,
    Rate,
    RateLimitState,
    concurrency_for,
    held,
    reserved,
)
from embeddings.spec import ModelSpec
from tests.embeddings.calls.fakes import FakeLimiter

HOUR = 3600.0


class Clock:
    """A clock that a test sets; a machine's starts at its boot."""

    def __init__(self, now: float = 1.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Sender:
    """Sends calls one after another through a limiter, each at its time."""

    def __init__(
        self, *, per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        self.clock = Clock()
        rate = Rate.of(spec(per_minute, tokens_per_minute))
        assert rate is not None
        self.limiter = FakeLimiter(rate, self.clock)

    def send(self, tokens: int = 1) -> float:
        """When one call is sent, in seconds."""
        self.clock.now += self.limiter.delay(tokens)
        return self.clock.now

    def times(self, seconds: float) -> Iterator[float]:
        """When calls are sent for so long."""
        until = self.clock.now + seconds
        while (at := self.send()) < until:
            yield at

    def per_second(self, seconds: float = 20) -> float:
        """How many calls a second are sent, over so long."""
        return sum(1 for _ in self.times(seconds)) / seconds


def spec(per_minute: int | None = None, tokens_per_minute: int | None = None) -> ModelSpec:
    return ModelSpec(
        key="limited",
        dimension=8,
        dimensions=(8,),
        max_rows=10,
        max_tokens=512,
        requests_per_minute=per_minute,
        tokens_per_minute=tokens_per_minute,
        is_hosted=True,
    )


def most_in_a_second(times: list[float]) -> int:
    return max(sum(start <= at < start + 1 for at in times) for start in times)


@given(
    per_minute=st.integers(1, 3000),
    early_and_late=st.lists(st.floats(0, 0.05), min_size=1, max_size=50),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.5, 15.0]), min_size=1, max_size=7),
)
def test_no_second_sees_more_than_its_share_even_when_calls_are_up_to_50_ms_late(
    per_minute: int, early_and_late: list[float], pauses: list[float]
) -> None:
    sender = Sender(per_minute=per_minute)
    arrivals = []
    for call in range(min(400, 8 * per_minute)):
        sender.clock.now += pauses[call % len(pauses)] if call % 11 == 0 else 0.0
        arrivals.append(sender.send() + early_and_late[call % len(early_and_late)])

    assert most_in_a_second(sorted(arrivals)) <= math.ceil(per_minute / 60)


@pytest.mark.parametrize("per_minute", [30, 120, 6000])
def test_a_busy_sender_uses_the_rate_but_for_the_margin(per_minute: int) -> None:
    sender = Sender(per_minute=per_minute)
    sum(1 for _ in sender.times(10))

    assert sender.per_second(120) == pytest.approx(0.95 * per_minute / 60, rel=0.02)


def test_after_idleness_the_rate_grows_from_a_quarter_to_all_in_two_seconds() -> None:
    sender = Sender(per_minute=6000)
    sum(1 for _ in sender.times(10))
    sender.clock.now += 60
    sent = list(sender.times(4))
    began = sent[0]

    def during(start: float, stop: float) -> int:
        return sum(start <= at - began < stop for at in sent)

    assert during(0.0, 0.1) <= 4
    assert during(0.0, 1.0) < during(1.0, 2.0) < during(2.0, 3.0)
    assert during(2.0, 3.0) == pytest.approx(95, abs=1)


def test_a_short_rest_does_not_slow_down() -> None:
    sender = Sender(per_minute=6000)
    sum(1 for _ in sender.times(10))
    sender.clock.now += 5

    assert sender.per_second(1) == pytest.approx(95, abs=1)


def test_a_rest_is_not_made_up_for_by_a_burst() -> None:
    sender = Sender(per_minute=600)
    sum(1 for _ in sender.times(10))
    sender.clock.now += 5

    first, second, third = (sender.send() for _ in range(3))
    assert third - second == pytest.approx(second - first) == pytest.approx(1 / 9.5)


def test_after_a_refusal_nothing_is_sent_for_as_long_as_the_provider_asks() -> None:
    sender = Sender(per_minute=6000)
    sum(1 for _ in sender.times(10))
    refused_at = sender.clock.now
    sender.limiter.throttled(7.0)

    assert sender.send() == pytest.approx(refused_at + 7.0)


def test_a_refusal_halves_the_rate_which_grows_back_slowly() -> None:
    sender = Sender(per_minute=6000)
    sum(1 for _ in sender.times(10))
    sender.limiter.throttled(None)
    sender.send()

    assert sender.per_second(1) == pytest.approx(95 / 2, rel=0.15)
    assert sender.per_second(2) < 0.8 * 95
    sum(1 for _ in sender.times(10))
    assert sender.per_second(1) == pytest.approx(95, rel=0.02)


def test_refusals_of_calls_sent_together_halve_the_rate_once() -> None:
    sender = Sender(per_minute=6000)
    sum(1 for _ in sender.times(10))
    for _ in range(16):
        sender.clock.now += 0.01
        sender.limiter.throttled(None)
    sender.send()

    assert sender.per_second(1) == pytest.approx(95 / 2, rel=0.15)


def test_however_often_it_is_refused_it_goes_on_trying() -> None:
    sender = Sender(per_minute=6000)
    for _ in range(100):
        sender.send()
        sender.limiter.throttled(None)
    sender.send()

    assert sender.per_second(1) >= rate_limit.FLOOR * 95


def test_tokens_are_limited_beside_requests() -> None:
    sender = Sender(per_minute=6000, tokens_per_minute=60_000)
    sum(1 for _ in sender.times(10))
    began = sender.clock.now
    for _ in range(50):
        sender.send(tokens=500)

    assert sender.clock.now - began == pytest.approx(50 * 500 / 950, rel=0.05)


def test_a_call_of_more_tokens_than_a_second_allows_is_sent_and_the_next_waits() -> None:
    sender = Sender(tokens_per_minute=60_000)
    sum(1 for _ in sender.times(10))
    sent = sender.send(tokens=9500)

    assert sender.send() - sent == pytest.approx(10.0)


def test_who_would_wait_too_long_takes_no_slot_from_others() -> None:
    sender = Sender(per_minute=6000)
    sender.send()
    sender.limiter.throttled(200.0)

    assert [sender.limiter.delay(1) for _ in range(50)] == [pytest.approx(200.0)] * 50
    sender.clock.now += 150
    assert sender.limiter.delay(1) == pytest.approx(50.0)


def test_a_provider_cannot_ask_to_wait_for_longer_than_an_hour() -> None:
    sender = Sender(per_minute=6000)
    sender.limiter.throttled(24 * HOUR)

    assert sender.limiter.delay(1) == pytest.approx(HOUR)


@given(
    state=st.builds(
        RateLimitState,
        requests_at=st.floats(0, 1000),
        tokens_at=st.floats(0, 1000),
        share=st.floats(0, 1),
        share_at=st.floats(0, 1000),
        held_until=st.floats(0, 1000),
    ),
    now=st.floats(0, 2000),
    tokens=st.integers(0, 10_000),
    retry_after=st.none() | st.floats(0, 10_000),
)
def test_no_state_makes_a_pace_run_backwards(
    state: RateLimitState, now: float, tokens: int, retry_after: float | None
) -> None:
    rate = Rate(requests=10.0, tokens=1000.0)
    following, wait = reserved(state, now, rate, tokens)
    assert wait >= 0
    assert following.requests_at >= state.requests_at
    assert following.tokens_at >= state.tokens_at
    stopped = held(following, now, retry_after)
    assert stopped.held_until >= max(now + 1, following.held_until)
    assert rate_limit.FLOOR <= stopped.share <= 1 or stopped.share == following.share


def test_a_model_without_limits_has_no_rate() -> None:
    assert Rate.of(spec()) is None
    assert UNLIMITED.delay(10**9) == 0.0
    UNLIMITED.throttled(5.0)
    assert UNLIMITED.delay(1) == 0.0


@pytest.mark.parametrize(
    ("per_minute", "expected"), [(None, 8), (60, 4), (120, 4), (1800, 11), (6000, 32)]
)
def test_as_many_calls_are_under_way_as_the_rate_needs(
    per_minute: int | None, expected: int
) -> None:
    assert concurrency_for(spec(per_minute)) == expected


def test_a_local_model_is_called_once_at_a_time() -> None:
    local = ModelSpec(key="local", dimension=8, dimensions=(8,), max_rows=512, max_tokens=512)
    assert concurrency_for(local) == 1
