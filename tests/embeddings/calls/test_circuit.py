from hypothesis import given
from hypothesis import strategies as st

from embeddings.calls.circuit import (
    ALWAYS_CLOSED,
    LONGEST_PAUSE,
    SHORTEST_PAUSE,
    THRESHOLD,
    open_error,
    pause,
)


def test_some_failures_are_no_reason_to_pause() -> None:
    assert pause(THRESHOLD - 1) == 0.0


def test_each_failure_of_a_probe_doubles_the_pause_up_to_its_bound() -> None:
    pauses = [pause(THRESHOLD + failures) for failures in range(7)]

    assert pauses == [SHORTEST_PAUSE, 60, 120, 240, 480, LONGEST_PAUSE, LONGEST_PAUSE]


@given(failures=st.integers(0, 10_000))
def test_the_pause_grows_and_has_a_bound(failures: int) -> None:
    assert 0.0 <= pause(failures) <= pause(failures + 1) <= LONGEST_PAUSE


def test_the_circuit_of_a_local_model_never_opens() -> None:
    for _ in range(2 * THRESHOLD):
        ALWAYS_CLOSED.failed("No matter.")
    ALWAYS_CLOSED.check()


def test_the_error_of_an_open_circuit_says_why_and_for_how_long() -> None:
    error = open_error("acme", "The connection was refused.", 29.6)

    assert str(error) == "acme is down and is asked again in 30 s: The connection was refused."
    assert error.retry_after == 29.6
