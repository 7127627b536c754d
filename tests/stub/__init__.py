"""A double of a provider on this machine, for tests and measurements."""

from tests.stub.behaviour import Behaviour, Cut, Reply
from tests.stub.documented import PROBLEMS, Problem
from tests.stub.provider import Stub
from tests.stub.record import Call, Record

__all__ = ["PROBLEMS", "Behaviour", "Call", "Cut", "Problem", "Record", "Reply", "Stub"]
