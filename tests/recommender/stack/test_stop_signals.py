import os
import signal

import pytest

from recommender.stack.stop_signals import StopSignals


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
