import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from embeddings.calls.circuit import (
    ALWAYS_CLOSED,
    PROBE_SECONDS,
    SHORTEST_PAUSE,
    THRESHOLD,
    Circuit,
)
from embeddings.errors import Unavailable
from recommender import database
from recommender.models import ProviderCircuit
from recommender.providers.circuit import circuit, open_circuits
from tests.recommender.providers.hosted import SPEC
from tests.threads import at_once, wait_until

REASON = "The connection was refused."


def fresh() -> Circuit:
    """The circuit as another process has it."""
    return circuit(SPEC)


def fail(times: int = THRESHOLD) -> None:
    """So many failures in a row, each in another process."""
    for _ in range(times):
        fresh().failed(REASON)


def refusal(of: Circuit) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        of.check()
    return caught.value


def pass_time(seconds: float) -> None:
    database.execute(
        "UPDATE recommender_providercircuit SET opened_at = opened_at - %(by)s, "
        "open_until = open_until - %(by)s",
        {"by": timedelta(seconds=seconds)},
    )


def test_while_all_is_well_a_run_looks_once_and_writes_nothing(db: None) -> None:
    used = fresh()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(50):
            used.check()
            used.succeeded()

    assert len(queries) == 1
    assert not ProviderCircuit.objects.exists()


def test_failures_in_a_row_of_any_processes_open_it_for_all(db: None) -> None:
    fail(THRESHOLD - 1)
    fresh().check()
    fail(1)

    error = refusal(fresh())
    assert error.retry_after == pytest.approx(SHORTEST_PAUSE, abs=2)
    assert REASON in str(error)


def test_a_success_of_another_process_starts_the_count_anew(db: None) -> None:
    fail(THRESHOLD - 1)
    other = fresh()
    other.check()
    other.succeeded()
    assert not ProviderCircuit.objects.exists()
    fail(THRESHOLD - 1)
    fresh().check()


def test_a_run_notices_soon_what_others_found(db: None) -> None:
    used = fresh()
    used.check()
    fail()

    def is_open() -> bool:
        try:
            used.check()
        except Unavailable:
            return True
        return False

    wait_until(is_open, 5)


def test_after_the_pause_one_of_many_may_ask(transactional_db: None) -> None:
    fail()
    pass_time(SHORTEST_PAUSE)

    def ask(_: int) -> bool:
        try:
            fresh().check()
        except Unavailable:
            return False
        return True

    assert sum(at_once(6, ask)) == 1
    assert refusal(fresh()).retry_after == pytest.approx(PROBE_SECONDS, abs=2)


def test_the_probes_success_closes_it_for_all(db: None) -> None:
    fail()
    pass_time(SHORTEST_PAUSE)
    probe = fresh()
    probe.check()
    probe.succeeded()

    fresh().check()
    assert open_circuits() == []


def test_the_probes_failure_opens_it_for_twice_as_long(db: None) -> None:
    fail()
    for expected in (60, 120, 240, 480, 600, 600):
        pass_time(600)
        probe = fresh()
        probe.check()
        probe.failed(REASON)
        assert refusal(fresh()).retry_after == pytest.approx(expected, abs=2)


def test_a_probe_that_died_gives_way_to_another(db: None) -> None:
    fail()
    pass_time(SHORTEST_PAUSE)
    fresh().check()
    pass_time(PROBE_SECONDS)
    fresh().check()


def test_failures_of_calls_that_were_under_way_do_not_prolong_the_pause(db: None) -> None:
    fail(THRESHOLD + 16)

    assert refusal(fresh()).retry_after == pytest.approx(SHORTEST_PAUSE, abs=2)


def test_failures_at_the_same_time_are_all_counted(transactional_db: None) -> None:
    at_once(THRESHOLD, lambda _: fresh().failed(REASON))

    refusal(fresh())


def test_providers_do_not_answer_for_each_other(db: None) -> None:
    fail()

    circuit(replace(SPEC, provider=uuid.uuid4().hex)).check()


def test_open_circuits_are_listed_with_what_is_wrong(db: None) -> None:
    circuit(replace(SPEC, provider="shaky")).failed("Once.")
    fail()

    (outage,) = open_circuits()
    assert (outage.provider, outage.reason) == (SPEC.provider, REASON)
    assert outage.seconds == pytest.approx(SHORTEST_PAUSE, abs=2)
    pass_time(SHORTEST_PAUSE + 5)
    assert open_circuits()[0].seconds == 0


def test_a_page_of_html_for_a_reason_is_cut(db: None) -> None:
    for _ in range(THRESHOLD):
        fresh().failed("<html>" * 1000)

    assert len(open_circuits()[0].reason) <= 300


def test_opening_and_closing_are_logged(db: None) -> None:
    with capture_logs() as logs:
        fail()
        pass_time(SHORTEST_PAUSE)
        probe = fresh()
        probe.check()
        probe.succeeded()

    assert [(log["event"], log["log_level"]) for log in logs] == [
        ("provider down, left alone", "warning"),
        ("provider answers again", "info"),
    ]


def test_what_is_found_is_told_at_once_whatever_becomes_of_the_callers_work(db: None) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        fresh().failed(REASON)


def test_a_local_model_has_no_provider_to_be_down() -> None:
    assert circuit(replace(SPEC, is_hosted=False)) is ALWAYS_CLOSED
