import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls.circuit import (
    ALWAYS_CLOSED,
    LONGEST_PAUSE,
    PROBE_SECONDS,
    SHORTEST_PAUSE,
    THRESHOLD,
    LocalCircuit,
    pause,
)
from embeddings.errors import Unavailable


class Clock:
    """A clock that a test sets."""

    now = 1.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> LocalCircuit:
    return LocalCircuit("acme", clock)


def fail(circuit: LocalCircuit, times: int = THRESHOLD) -> None:
    for _ in range(times):
        circuit.failed("The connection was refused.")


def refusal(circuit: LocalCircuit) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        circuit.check()
    return caught.value


def test_some_failures_do_not_open_the_circuit(circuit: LocalCircuit) -> None:
    fail(circuit, THRESHOLD - 1)
    circuit.check()


def test_failures_in_a_row_open_it(circuit: LocalCircuit) -> None:
    fail(circuit)

    error = refusal(circuit)
    assert str(error) == "acme is down and is asked again in 30 s: The connection was refused."
    assert error.retry_after == SHORTEST_PAUSE


def test_a_success_between_failures_keeps_it_closed(circuit: LocalCircuit) -> None:
    fail(circuit, THRESHOLD - 1)
    circuit.succeeded()
    fail(circuit, THRESHOLD - 1)
    circuit.check()


def test_after_the_pause_one_probe_passes(circuit: LocalCircuit, clock: Clock) -> None:
    fail(circuit)
    clock.now += SHORTEST_PAUSE
    circuit.check()

    assert refusal(circuit).retry_after == PROBE_SECONDS


def test_the_probes_success_closes_it(circuit: LocalCircuit, clock: Clock) -> None:
    fail(circuit)
    clock.now += SHORTEST_PAUSE
    circuit.check()
    circuit.succeeded()
    circuit.check()
    fail(circuit, THRESHOLD - 1)
    circuit.check()


def test_the_probes_failure_opens_it_for_twice_as_long(circuit: LocalCircuit, clock: Clock) -> None:
    fail(circuit)
    for expected in (60, 120, 240, 480, 600, 600):
        clock.now += LONGEST_PAUSE
        circuit.check()
        circuit.failed("Still down.")
        assert refusal(circuit).retry_after == expected


def test_a_probe_that_is_never_heard_of_gives_way_to_another(
    circuit: LocalCircuit, clock: Clock
) -> None:
    fail(circuit)
    clock.now += SHORTEST_PAUSE
    circuit.check()
    clock.now += PROBE_SECONDS
    circuit.check()


def test_failures_of_calls_that_were_under_way_do_not_prolong_the_pause(
    circuit: LocalCircuit, clock: Clock
) -> None:
    fail(circuit, THRESHOLD + 16)
    assert refusal(circuit).retry_after == SHORTEST_PAUSE
    clock.now += SHORTEST_PAUSE
    circuit.check()
    circuit.failed("Still down.")
    assert refusal(circuit).retry_after == 2 * SHORTEST_PAUSE


@given(failures=st.integers(0, 10_000))
def test_the_pause_grows_and_has_a_bound(failures: int) -> None:
    assert 0.0 <= pause(failures) <= pause(failures + 1) <= LONGEST_PAUSE


def test_the_circuit_of_a_local_model_never_opens() -> None:
    for _ in range(2 * THRESHOLD):
        ALWAYS_CLOSED.failed("No matter.")
    ALWAYS_CLOSED.check()
