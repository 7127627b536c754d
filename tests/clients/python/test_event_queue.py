"""Events in the background: none is lost without a word."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kinship_client import NEVER, EventQueue, Kinship
from tests.threads import wait_until

ROOT = Path(__file__).resolve().parents[3]


class Service:
    """Takes events, after as many failures as it is told of."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.failures: list[int] = []
        self.open = threading.Event()
        self.open.set()

    @property
    def taken(self) -> list[str]:
        return [event for batch in self.batches for event in batch]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.open.wait(30)
        if self.failures:
            status = self.failures.pop(0)
            return httpx.Response(status, json={"type": "urn:x:y", "detail": "No."})
        events = json.loads(request.content)
        self.batches.append([event["product"] for event in events])
        results = [
            {"id": event["id"], "status": "rejected", "reason": "unknown product"}
            if event["product"] == "bad"
            else {"id": event["id"], "status": "accepted"}
            for event in events
        ]
        rejected = sum(result["status"] == "rejected" for result in results)
        counts = {"accepted": len(results) - rejected, "duplicate": 0, "rejected": rejected}
        return httpx.Response(202, json={**counts, "results": results})

    def client(self) -> Kinship:
        transport = httpx.MockTransport(self)
        return Kinship("http://k", "key", retries=NEVER, transport=transport)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.open.set()


def view(product: str) -> dict[str, str]:
    return {"type": "view", "user": "ann", "product": product}


def test_events_are_sent_in_their_order_so_many_at_a_time(service: Service) -> None:
    queue = EventQueue(service.client(), batch=3, seconds=60)
    for number in range(7):
        queue.put(view(str(number)))
    wait_until(lambda: len(service.taken) == 6, 30)
    assert queue.flush()
    assert service.batches == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert (queue.counts.sent, queue.counts.dropped) == (7, 0)


def test_fewer_are_sent_after_a_while(service: Service) -> None:
    queue = EventQueue(service.client(), batch=100, seconds=0.01)
    queue.put(view("mug"))
    wait_until(lambda: service.taken == ["mug"], 30)


def test_what_comes_while_the_service_is_away_is_sent_when_it_is_back(service: Service) -> None:
    service.failures = [503]
    queue = EventQueue(service.client(), batch=2, seconds=0.01)
    for number in range(4):
        queue.put(view(str(number)))
    assert queue.flush(30)
    assert service.taken == ["0", "1", "2", "3"]
    assert queue.counts.dropped == 0


def test_what_there_is_no_room_for_is_dropped_counted_and_said(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.open.clear()
    queue = EventQueue(service.client(), batch=1, seconds=0, capacity=2)
    queue.put(view("0"))
    wait_until(lambda: queue._in_flight == 1, 30)
    with caplog.at_level(logging.WARNING, "kinship_client"):
        for number in range(1, 6):
            queue.put(view(str(number)))
    assert queue.counts.dropped == 3
    assert "queue is full: 1 events dropped" in caplog.text
    service.open.set()
    assert queue.flush(30)
    assert service.taken == ["0", "1", "2"]


def test_what_the_service_refuses_is_said_and_does_not_block_the_rest(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.failures = [400]
    queue = EventQueue(service.client(), batch=1, seconds=0)
    queue.put(view("0"))
    queue.put(view("bad"))
    queue.put(view("1"))
    assert queue.flush(30)
    assert service.taken == ["bad", "1"]
    assert (queue.counts.dropped, queue.counts.rejected, queue.counts.sent) == (1, 1, 1)
    assert "events refused: No." in caplog.text
    assert "unknown product" in caplog.text


def test_closing_sends_what_waits_and_takes_no_more(service: Service) -> None:
    queue = EventQueue(service.client(), batch=100, seconds=60)
    queue.put(view("mug"))
    queue.close()
    assert service.taken == ["mug"]
    queue.put(view("late"))
    assert queue.counts.dropped == 1
    assert service.taken == ["mug"]


def test_closing_gives_up_on_a_service_that_is_away_and_says_so(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.failures = [503] * 100
    queue = EventQueue(service.client(), batch=2, seconds=0, at_exit=0.05)
    for number in range(4):
        queue.put(view(str(number)))
    queue.close()
    wait_until(lambda: queue.counts.dropped == 4, 30)
    assert "events dropped" in caplog.text


_PROGRAM = """
import httpx, json, os
from kinship_client import EventQueue, Kinship

def answer(request):
    events = json.loads(request.content)
    print([event["product"] for event in events], flush=True)
    results = [{"id": event["id"], "status": "accepted"} for event in events]
    counts = {"accepted": len(events), "duplicate": 0, "rejected": 0}
    return httpx.Response(202, json={**counts, "results": results})

client = Kinship("http://k", "key", transport=httpx.MockTransport(answer))
queue = EventQueue(client, seconds=600)

def view(product):
    queue.put({"type": "view", "user": "ann", "product": product})
"""


def output_of(program: str) -> str:
    """What a program prints that has a queue."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "clients/python/src")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM + program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_waits_when_the_program_ends_is_sent() -> None:
    assert output_of("view('mug')") == "['mug']\n"


def test_a_child_process_has_a_queue_of_its_own() -> None:
    program = (
        "view('parent')\nif not (child := os.fork()): view('child')\nelse: os.waitpid(child, 0)"
    )
    assert output_of(program) == "['child']\n['parent']\n"


def test_a_child_process_without_events_sends_none_of_its_parent() -> None:
    program = "view('parent')\nif child := os.fork(): os.waitpid(child, 0)"
    assert output_of(program) == "['parent']\n"
