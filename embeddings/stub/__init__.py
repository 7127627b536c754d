"""A double of a provider on this machine, for tests and measurements."""

from embeddings.stub.behaviour import Behaviour, Cut, Reply
from embeddings.stub.documented import PROBLEMS, Problem
from embeddings.stub.provider import Stub
from embeddings.stub.record import Call, Record

__all__ = ["PROBLEMS", "Behaviour", "Call", "Cut", "Problem", "Record", "Reply", "Stub"]
