import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from recommender.stack.processes import (
    ProcessRecord,
    StopSignals,
    end_sessions,
    find_process,
    session_members,
)

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code as the leader of a session; returns when it has printed a line."""
    with ExitStack() as started:

        def start(code: str) -> "subprocess.Popen[str]":
            process = started.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", code],
                    stdout=subprocess.PIPE,
                    text=True,
                    start_new_session=True,
                )
            )
            started.callback(process.kill)
            process.line = process.stdout.readline()
            return process

        yield start


SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEPER
PARENT = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(child.pid, flush=True); time.sleep(60)"
)


def test_a_recorded_process_is_found_again(start):
    process = start(SLEEPER)
    assert ProcessRecord.of(process.pid).find().pid == process.pid


def test_another_process_of_the_same_number_is_not_mistaken_for_it(start):
    record = ProcessRecord.of(start(SLEEPER).pid)
    other = replace(record, started=record.started - 3600, command=("granian",))
    assert other.find() is None
    assert session_members(other) == []


def test_a_clock_that_was_set_does_not_hide_a_process(start):
    record = ProcessRecord.of(start(SLEEPER).pid)
    assert replace(record, started=record.started - 3600).find() is not None


def test_a_process_that_ended_is_not_found_even_before_its_parent_waits_for_it(start):
    process = start("print('up')")
    record = ProcessRecord.of(process.pid)
    end_sessions([(record, 5.0)])
    assert process.returncode is None
    assert record.find() is None


def test_ending_a_session_is_patient_then_firm(start):
    gentle, stubborn = start(SLEEPER), start(STUBBORN)
    began = time.monotonic()
    end_sessions([(ProcessRecord.of(gentle.pid), 30.0), (ProcessRecord.of(stubborn.pid), 0.3)])
    assert gentle.wait(5) == -15
    assert stubborn.wait(5) == -9
    assert time.monotonic() - began < 10


def test_what_a_killed_leader_left_behind_is_ended(start):
    leader = start(PARENT)
    record, child = ProcessRecord.of(leader.pid), int(leader.line)
    leader.kill()
    leader.wait(5)
    assert [member.pid for member in session_members(record)] == [child]
    end_sessions([(record, 1.0)])
    assert find_process(child) is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_and_breaks_nothing_off(number):
    with StopSignals() as signals:
        os.kill(os.getpid(), number)
        assert signals.wait(5)
        assert signals.received == number


def test_work_that_may_be_broken_off_is():
    with StopSignals() as signals:
        with pytest.raises(KeyboardInterrupt), signals.interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # the clean-up after it is not


def test_work_is_not_begun_after_a_signal():
    with StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), signals.interruptible():
            pytest.fail("the work began")


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGINT)
    with StopSignals():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
