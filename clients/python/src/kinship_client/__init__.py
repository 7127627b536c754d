"""Kinship's Python client: what a shop sends, and the lists it gets."""

from kinship_client.call import Call
from kinship_client.client import AsyncKinship, Kinship
from kinship_client.errors import KinshipError, KinshipUnreachableError
from kinship_client.event_queue import Counts, EventQueue
from kinship_client.retries import NEVER, Retries
from kinship_client.tokens import sign_user_token

__all__ = [
    "NEVER",
    "AsyncKinship",
    "Call",
    "Counts",
    "EventQueue",
    "Kinship",
    "KinshipError",
    "KinshipUnreachableError",
    "Retries",
    "sign_user_token",
]
